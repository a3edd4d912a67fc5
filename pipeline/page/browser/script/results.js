// What the network gets right and wrong: confusion, classes, the most confident mistakes.

// More classes than these make no table that can be read.
const MAX_TABLE = 20;
const MAX_CONFUSIONS = 30;

function results() {
  const opened = h("div", { class: "opened", role: "status" });
  const open = (actual, predicted) => opened.replaceChildren(...cellImages(actual, predicted));
  const matrix = values.classes.length <= MAX_TABLE ? confusionTable(open) : confusionList(open);
  open(...mostConfused());
  return part(
    "results",
    panel(
      t("confusion"),
      h("p", { class: "note" }, t("confusion.note", { n: whole(values.counts.test) })),
      h("div", { class: "beside" }, matrix, opened),
    ),
    classTable(),
    mistakes(),
  );
}

/** The pair of classes that is mistaken most often: [actual, predicted]. */
function mostConfused() {
  const pairs = values.confusion.flatMap((counts, a) =>
    counts.map((count, p) => [a === p ? -1 : count, a, p]),
  );
  return pairs.reduce((best, pair) => (pair[0] > best[0] ? pair : best)).slice(1);
}

function confusionTable(open) {
  const { classes, confusion } = values;
  const buttons = [];
  const row = (counts, actual) => {
    const total = counts.reduce((a, b) => a + b, 0) || 1;
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, classes[actual]),
      counts.map((count, predicted) => h("td", {}, cell(count, count / total, actual, predicted))),
    );
  };
  const scale = { low: 0, high: 1, table: POSITIVE };
  const cell = (count, share, actual, predicted) => {
    const label = t("confusion.cell", {
      actual: classes[actual],
      predicted: classes[predicted],
      n: whole(count),
    });
    const button = h(
      "button",
      {
        type: "button",
        class: count === 0 ? "none" : actual === predicted ? "right" : "wrong",
        "aria-label": label,
        title: label,
        "--fill": cssColour(share, scale),
        "--cell-ink": inkOn(share, scale),
        onclick: () => open(actual, predicted),
      },
      whole(count),
    );
    buttons.push(button);
    return button;
  };
  const head = h(
    "tr",
    {},
    h("td", {}),
    classes.map((name) => h("th", { scope: "col" }, h("span", {}, name))),
  );
  const table = h(
    "table",
    { class: "confusion" },
    h("caption", {}, t("confusion.caption")),
    h("thead", {}, head),
    h("tbody", {}, confusion.map(row)),
  );
  rovingFocus(table, buttons, () => classes.length);
  return h(
    "div",
    { class: "confusion-place", "--classes": classes.length },
    table,
    colourBar(scale, t("confusion.unit")),
  );
}

/** Of many classes, the pairs that are most often confused. */
function confusionList(open) {
  const pairs = values.confusion
    .flatMap((counts, a) => counts.map((count, p) => ({ a, p, count })))
    .filter(({ a, p, count }) => a !== p && count);
  pairs.sort((x, y) => y.count - x.count);
  return h(
    "ol",
    { class: "confusions" },
    pairs
      .slice(0, MAX_CONFUSIONS)
      .map(({ a, p, count }) =>
        h(
          "li",
          {},
          h(
            "button",
            { type: "button", onclick: () => open(a, p) },
            t("confusion.cell", { actual: values.classes[a], predicted: values.classes[p], n: whole(count) }),
          ),
        ),
      ),
  );
}

function cellImages(actual, predicted) {
  const { classes, confusion, images } = values;
  const here = [...images.keys()].filter(
    (i) => images[i].split === "test" && images[i].actual === actual && images[i].predicted === predicted,
  );
  const names = {
    actual: classes[actual],
    predicted: classes[predicted],
    n: whole(confusion[actual][predicted]),
    shown: here.length,
  };
  return [
    h("h4", {}, t("confusion.opened", names)),
    h("p", { class: "note" }, t(here.length ? "confusion.shown" : "confusion.none", names)),
    h(
      "div",
      { class: "thumbnails" },
      here.map((index) => thumbnail(index, chance(certainty(index)))),
    ),
  ];
}

/** The probability of the class that was predicted, as Keras computed it. */
function certainty(index) {
  const count = values.classes.length;
  return arrayOf("probabilities").data[index * count + values.images[index].predicted];
}

function classTable() {
  const bar = (value) =>
    h("td", { class: "bar", "--share": Number(value) }, h("span", {}, percent(Number(value))));
  const head = ["class", "precision", "recall", "f1", "images"].map((key) =>
    h("th", { scope: "col" }, prose(t(`classes.${key}`))),
  );
  const rows = values.class_scores.map((row) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, row.class),
      bar(row.precision),
      bar(row.recall),
      bar(row.f1),
      h("td", {}, whole(Number(row.images))),
    ),
  );
  return panel(
    t("classes"),
    h(
      "div",
      { class: "scrolls", tabindex: "0", role: "group", "aria-label": t("classes") },
      h("table", { class: "classes" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)),
    ),
  );
}

function mistakes() {
  const { classes, images } = values;
  const cards = values.mistakes.map((index) =>
    thumbnail(
      index,
      [
        h("span", { class: "wrong-name" }, classes[images[index].predicted]),
        h("span", {}, chance(certainty(index))),
        h("span", {}, t("mistake.is", { name: classes[images[index].actual] })),
      ],
      84,
    ),
  );
  const note = values.mistakes.length
    ? t("mistakes.note", { n: whole(values.mistakes_ranked) })
    : t("mistakes.none");
  return panel(
    t("mistakes"),
    h("p", { class: "note" }, note),
    h("div", { class: "thumbnails mistakes" }, cards),
  );
}
