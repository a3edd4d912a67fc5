// The kernels, trained beside untrained; what each filter looks for and what it is worth.

function weightsPart() {
  const place = h("div");
  const pick = layerChoice((layer) => place.replaceChildren(...layerWeights(layer)));
  return part("weights", pick, place);
}

/** Both networks' kernels of a layer, or null without the live part's weights. */
function kernelsOf(layer) {
  if (!values.live) return null;
  return {
    trained: arrayOf(`trained/${layer.name}/kernel`),
    untrained: arrayOf(`untrained/${layer.name}/kernel`),
  };
}

function layerWeights(layer) {
  const kernels = kernelsOf(layer);
  if (!kernels) return [h("p", { class: "note" }, tooLarge())];
  const about = values.filters[layer.name];
  const scale = signedScale(about.colour_limit);
  const detail = h("div", { class: "side detail" });
  const place = h("div", { class: "weights-grid" });
  let grid;
  const choose = (filter) => {
    for (const [number, button] of grid.buttons)
      button.setAttribute("aria-pressed", String(number === filter));
    detail.replaceChildren(...filterDetail(layer, filter, kernels, scale));
  };
  const arrange = (by) => {
    grid = weightGrid(layer, kernels, scale, filterOrder(about, by), choose);
    place.replaceChildren(grid);
    choose(filterOrder(about, by)[0]);
  };
  arrange("number");
  const orders = ["number", "importance", "fire"].map((by) => [by, t(`order.${by}`)]);
  return [
    h(
      "div",
      { class: "beside weights" },
      h(
        "div",
        {},
        panel(
          t("weights.kernels", {
            n: layer.config.filters,
            shape: shapeText([...layer.config.kernel_size, layer.input_shape[2]]),
          }),
          h("p", { class: "note" }, t("weights.pairs")),
          choice(t("order"), orders, "number", arrange),
          place,
          weightBar(layer, scale, largestOf(kernels)),
        ),
        weightHistogram(layer, kernels, about),
      ),
      detail,
    ),
  ];
}

function largestOf(kernels) {
  return Math.max(...Object.values(kernels).flatMap(({ data }) => extremes(data).map(Math.abs)));
}

function filterOrder(about, by) {
  const order = [...about.fire_rates.keys()];
  const key = { importance: about.accuracy_lost, fire: about.fire_rates }[by];
  return key ? order.sort((a, b) => key[b] - key[a] || a - b) : order;
}

function weightGrid(layer, kernels, scale, order, choose) {
  const about = values.filters[layer.name];
  const picture = (filter) =>
    h(
      "span",
      { class: "two" },
      ["trained", "untrained"].map((kind) => {
        const canvas = kernelCanvas(kernels[kind], filter, seesColours(layer));
        canvas.show(scale);
        return canvas;
      }),
    );
  const tile = (filter) => {
    const kind = firing(about, filter);
    const badge = kind ? `${filter} ${t(`firing.${kind}`)}` : String(filter);
    return { label: filterLabel(layer, filter, badge), badge, style: kind ?? "", pressed: false };
  };
  return tileGrid({
    label: t("weights.grid", { layer: layer.name }),
    order,
    tile,
    canvas: picture,
    choose,
    size: 2 * tileSize(layer) - 24,
  });
}

/** Whether a filter never fires, hardly or always; null for the others. */
function firing(about, filter) {
  return ["dead", "rare", "always_on"].find((kind) => about[kind].includes(filter)) ?? null;
}

function filterLabel(layer, filter, badge) {
  const about = values.filters[layer.name];
  return t("filter.label", {
    layer: layer.name,
    n: badge,
    rate: percent(about.fire_rates[filter]),
    lost: points(about.accuracy_lost[filter]),
  });
}

function filterFacts(layer, filter) {
  const about = values.filters[layer.name];
  const kind = firing(about, filter);
  return facts([
    [
      prose(t("filter.fires")),
      percent(about.fire_rates[filter]),
      kind ? ` (${t(`firing.${kind}`)})` : "",
      h("small", {}, t("filter.fires.note", { n: whole(about.fire_rate_images) })),
    ],
    [
      prose(t("filter.lost")),
      points(about.accuracy_lost[filter]),
      h("small", {}, t("filter.lost.note", { n: whole(about.accuracy_images) })),
    ],
    [t("filter.cosine"), short(about.cosine[filter], 2), h("small", {}, t("filter.cosine.note"))],
  ]);
}

function filterDetail(layer, filter, kernels, scale) {
  const big = (kind) =>
    h("figure", {}, kernelNumbers(layer, kernels[kind], filter, scale), h("figcaption", {}, t(kind)));
  return [
    panel(
      t("filter.title", { layer: layer.name, n: filter }),
      h("div", { class: "figures" }, big("trained"), big("untrained")),
      filterFacts(layer, filter),
      patches(layer, filter),
    ),
  ];
}

/** A small kernel of one channel with its numbers, any other as its picture. */
function kernelNumbers(layer, kernel, filter, scale) {
  const [height, width, channels] = kernel.shape;
  if (channels > 1 || width > 5) {
    const canvas = kernelCanvas(kernel, filter, seesColours(layer));
    canvas.show(scale);
    canvas.classList.add("big");
    return canvas;
  }
  const cells = Array.from(
    { length: height * width },
    (_, i) => kernel.data[kernelIndex(kernel.shape, Math.floor(i / width), i % width, 0, filter)],
  );
  return h(
    "div",
    { class: "numbers", "--columns": width },
    cells.map((weight) =>
      h("span", { "--fill": cssColour(weight, scale), "--cell-ink": inkOn(weight, scale) }, short(weight, 2)),
    ),
  );
}

/** The parts of validation images that excite a filter most; what lies outside of the image is hatched. */
function patches(layer, filter) {
  if (!values.patches) return h("p", { class: "note" }, t("patches.none", { n: values.max_megabytes }));
  const pixels = arrayOf(`patches/${layer.name}/pixels`);
  const places = arrayOf(`patches/${layer.name}/places`);
  const activations = arrayOf(`patches/${layer.name}/activations`).data;
  const count = pixels.shape[1];
  // Only what exceeds the activation's value at zero excites it.
  const rest = ACTIVATIONS[layer.config.activation](0);
  const excited = [...Array(count).keys()].filter((p) => activations[filter * count + p] > rest);
  const one = (p) => {
    const at = filter * count + p;
    const [top, bottom, left, right] = places.data.subarray(at * 4, at * 4 + 4);
    const field = fieldSize(layer);
    const canvas = pixelCanvas(
      field.width,
      field.height,
      t("patch.label", { n: p + 1, value: short(activations[at]) }),
    );
    drawPatch(canvas, pixels, at, { top, bottom, left, right });
    return h("figure", {}, canvas, h("figcaption", {}, short(activations[at], 2)));
  };
  const note = t("patches.note", {
    n: whole(values.filters[layer.name].patch_images),
    size: `${fieldSize(layer).height}×${fieldSize(layer).width}`,
  });
  return h(
    "div",
    { class: "patches" },
    h("h4", {}, t("patches")),
    h("div", { class: "nine" }, excited.map(one)),
    h("p", { class: "note" }, excited.length ? note : t("patches.never")),
  );
}

function fieldSize(layer) {
  const steps = values.layers.filter((other) => other.kind !== "InputLayer");
  const depth = steps.findIndex((step) => step.name === layer.name);
  const { top, bottom, left, right } = receptiveField({ steps }, depth, 0, 0);
  return { height: bottom - top, width: right - left };
}

function drawPatch(canvas, { data, shape }, at, { top, bottom, left, right }) {
  const [, , , wide, channels] = shape;
  const size = shape[2] * wide * channels;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const from = at * size + ((y - top) * wide + (x - left)) * channels;
      const to = (y * canvas.width + x) * 4;
      for (let k = 0; k < 3; k++) image.data[to + k] = channels === 1 ? 255 - data[from] : data[from + k];
      image.data[to + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

function weightHistogram(layer, kernels, about) {
  const both = [...extremes(kernels.trained.data), ...extremes(kernels.untrained.data)];
  const [low, high] = [Math.min(...both), Math.max(...both)];
  const series = [
    ["untrained", "warm"],
    ["trained", "strong"],
  ].map(([kind, style]) => {
    const { mean, deviation } = moments(kernels[kind].data);
    return {
      name: t("weights.moments", { kind: t(kind), mean: short(mean), deviation: short(deviation) }),
      counts: countIn(BINS, low, high, kernels[kind].data),
      style,
    };
  });
  const { limit } = about.initializer;
  const words = t(about.initializer.words === "limit" ? "weights.limit" : "weights.limit.normal", {
    n: limit.toFixed(4),
  });
  return panel(
    t("weights.histogram", { n: whole(kernels.trained.data.length) }),
    histogram({
      label: t("weights.histogram", { n: whole(kernels.trained.data.length) }),
      low,
      high,
      series,
      limits: [-limit, limit],
      unit: t("weight"),
      height: 220,
    }),
    h("p", { class: "legend" }, h("span", { class: "key limit" }, words)),
  );
}
