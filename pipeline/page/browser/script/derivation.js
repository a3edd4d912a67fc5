// How one value of one layer comes about, term by term, as elements.

// Windows wider than these have no room for numbers in their cells.
const MAX_NUMBERED = 5;
const MAX_TERMS = 12;
const MAX_BARS_IN_ROW = 48;

/** For a place {depth, row, column, channel} of a network that has run; `choose` takes an input channel. */
function derivation(network, place, channel, choose) {
  const step = network.steps[place.depth];
  return DERIVATIONS[step.kind](network, place, step, channel, choose).flat().filter(Boolean);
}

function placeWords(step, place) {
  if (step.output_shape.length === 1) return t("at.unit", { layer: step.name, n: place.channel });
  return t("at.pixel", { layer: step.name, n: place.channel, row: place.row, column: place.column });
}

function convolutionView(network, place, step, chosenChannel, chooseChannel) {
  const terms = convolutionTerms(network, place.depth, place);
  const sums = terms.channels.map((part) => part.sum);
  const channel = chosenChannel ?? indexOfLargest(sums.map(Math.abs));
  const limit =
    Math.max(...terms.channels.flatMap((part) => part.cells.map((cell) => Math.abs(cell.product)))) || 1;
  const scale = signedScale(limit);
  const { cells, sum } = terms.channels[channel];
  const single = terms.channels.length === 1;
  return [
    single ? null : channelBars(sums, channel, chooseChannel),
    h("p", { class: "note" }, t(single ? "terms.single" : "terms.channel", { c: channel, n: cells.length })),
    productGrid(cells, terms.width, scale),
    colourBar(scale, t("terms.product")),
    equation([
      single ? null : [t("terms.sum.channel", { c: channel }), short(sum)],
      [
        t(single ? "terms.sum" : "terms.sum.all", { n: sums.length * cells.length, c: sums.length }),
        short(terms.total),
      ],
      [t("terms.bias"), short(terms.bias)],
      [t("terms.before"), short(terms.before)],
      terms.activation === "linear"
        ? null
        : [t("terms.after", { activation: terms.activation }), short(terms.output)],
    ]),
    switchedOff(step, place.channel) ? h("p", { class: "note warm" }, t("terms.off")) : null,
  ];
}

function equation(rows) {
  return h(
    "table",
    { class: "equation" },
    h(
      "tbody",
      {},
      rows
        .filter(Boolean)
        .map(([name, value], i, all) =>
          h(
            "tr",
            { class: i === all.length - 1 ? "result" : null },
            h("th", { scope: "row" }, name),
            h("td", {}, value),
          ),
        ),
    ),
  );
}

/** Each cell: the input's value, times the weight, their product, which its colour tells too. */
function productGrid(cells, width, scale) {
  const numbered = width <= MAX_NUMBERED;
  return h(
    "div",
    {
      class: `products ${numbered ? "" : "plain"}`,
      "--columns": width,
      role: "img",
      "aria-label": cells
        .map(
          ({ value, weight, product }) => `${short(value, 2)} × ${short(weight, 2)} = ${short(product, 2)}`,
        )
        .join("; "),
    },
    cells.map(({ value, weight, product, inside }) =>
      h(
        "span",
        {
          class: inside ? "" : "outside",
          "--fill": cssColour(product, scale),
          "--cell-ink": inkOn(product, scale),
          title: `${short(value)} × ${short(weight)} = ${short(product)}`,
        },
        numbered
          ? [
              h("i", {}, inside ? short(value, 2) : t("terms.pad")),
              h("i", {}, `×${short(weight, 2)}`),
              h("b", {}, short(product, 2)),
            ]
          : null,
      ),
    ),
  );
}

/** The sum over each input channel as a bar; click one to see its terms. */
function channelBars(sums, chosen, choose) {
  const limit = Math.max(...sums.map(Math.abs)) || 1;
  const bars = sums.map((sum, c) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(c === chosen),
        class: sum < 0 ? "negative" : "positive",
        "--share": Math.abs(sum) / limit,
        "aria-label": t("terms.bar", { c, sum: short(sum) }),
        title: t("terms.bar", { c, sum: short(sum) }),
        onclick: () => choose(c),
      },
      h("span"),
    ),
  );
  const row = h(
    "div",
    {
      class: "bars",
      "--columns": Math.min(sums.length, MAX_BARS_IN_ROW),
      role: "group",
      "aria-label": t("terms.bars"),
    },
    bars,
  );
  rovingFocus(row, bars, () => columnsOf(bars));
  return [h("p", { class: "note" }, t("terms.bars")), row];
}

function poolingView(network, place) {
  const terms = poolingTerms(network, place.depth, place);
  const scale = scaleOf(terms.cells.map((cell) => cell.value));
  const cell = ({ value, inside }, i) =>
    h(
      "span",
      {
        class: [inside ? "" : "outside", i === terms.chosen ? "chosen" : ""].join(" "),
        "--fill": cssColour(value, scale),
        "--cell-ink": inkOn(value, scale),
      },
      h("b", {}, inside ? short(value, 2) : t("terms.pad")),
    );
  return [
    h("p", { class: "note" }, t(terms.largest ? "terms.largest" : "terms.mean", { n: terms.count })),
    h("div", { class: "products", "--columns": terms.width }, terms.cells.map(cell)),
    colourBar(scale, t("activation")),
    equation([[t("value"), short(terms.output)]]),
  ];
}

function normalizationView(network, place) {
  const terms = normalizationTerms(network, place.depth, place);
  return [
    h("p", { class: "note" }, t("terms.normalization")),
    equation([
      [t("terms.normalization.value"), short(terms.value)],
      ...terms.near.map(({ channel, value }) => [
        t("terms.normalization.square", { c: channel, v: short(value) }),
        short(value * value),
      ]),
      [t("terms.normalization.divisor", { sum: short(terms.sum) }), short(terms.divisor, 4)],
      [t("value"), short(terms.output)],
    ]),
  ];
}

function flattenView(network, place, step) {
  const from = network.steps[place.depth - 1];
  const shape = step.input_shape;
  const origin = shape.length === 3 ? placeOf({ output_shape: shape }, place.channel) : place;
  return [
    h(
      "p",
      { class: "note" },
      t("terms.flatten", { i: place.channel, layer: from ? from.name : t("input"), ...origin }),
    ),
    equation([[t("value"), short(step.output[place.channel])]]),
  ];
}

function dropoutView(network, place, step) {
  const index = indexOf(step, place);
  return [
    h("p", { class: "note" }, t("terms.dropout", { rate: percent(step.config.rate, 0) })),
    equation([[t("value"), short(step.output[index])]]),
  ];
}

function denseView(network, place, step) {
  const terms = denseTerms(network, place.depth, place);
  const top = terms.terms.slice(0, MAX_TERMS);
  const rest = terms.terms.slice(MAX_TERMS).reduce((sum, term) => sum + term.product, 0);
  const rows = top.map(({ i, value, weight, product }) => [
    t("terms.input", { i, value: short(value, 2), weight: short(weight, 2) }),
    short(product),
  ]);
  const others = terms.terms.length - top.length;
  const ends =
    terms.activation === "softmax"
      ? [
          [t("terms.logit"), short(terms.before)],
          [
            t("terms.softmax", { power: short(terms.power), sum: short(terms.powers) }),
            percent(terms.output, 2),
          ],
        ]
      : [
          [t("terms.before"), short(terms.before)],
          terms.activation === "linear"
            ? null
            : [t("terms.after", { activation: terms.activation }), short(terms.output)],
        ];
  return [
    h("p", { class: "note" }, t("terms.dense", { n: terms.terms.length, shown: top.length })),
    equation([
      ...rows,
      others ? [t("terms.others", { n: whole(others) }), short(rest)] : null,
      [t("terms.bias"), short(terms.bias)],
      ...ends,
    ]),
  ];
}

const DERIVATIONS = {
  Conv2D: convolutionView,
  MaxPooling2D: poolingView,
  AveragePooling2D: poolingView,
  LocalResponseNormalization: normalizationView,
  Flatten: flattenView,
  Dropout: dropoutView,
  Dense: denseView,
};
