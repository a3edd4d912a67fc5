// What was trained, on what, how well; and the network as a row of layers.

function overview() {
  return part("overview", scoreTiles(), caveats(), lookAlikes(), architecture(), samples(), configuration());
}

function scoreTiles() {
  const { scores, untrained_score: untrained, history, kept_epoch: kept, parameters, counts } = values;
  const tile = (name, value, note) =>
    h(
      "div",
      { class: "score" },
      h("span", { class: "name" }, name),
      h("strong", {}, value),
      h("span", { class: "note" }, note),
    );
  const loss = (score) => t("score.loss", { n: score.loss.toFixed(4) });
  const interval = ({ accuracy_low: low, accuracy_high: high }) =>
    t("score.interval", { low: percent(low, 1), high: percent(high, 1) });
  const majority = t("score.majority", {
    class: values.largest_class,
    share: percent(values.majority, 1),
  });
  return h(
    "div",
    { class: "scores" },
    tile(
      t("score.test"),
      percent(scores.test.accuracy, 2),
      `${interval(scores.test)}; ${t("images.count", { n: whole(counts.test) })}, ${loss(scores.test)}; ${majority}`,
    ),
    tile(
      t("score.validation"),
      percent(scores.validation.accuracy, 2),
      `${interval(scores.validation)}; ${t("images.count", { n: whole(counts.validation) })}, ${loss(scores.validation)}`,
    ),
    tile(
      t("score.untrained"),
      percent(untrained.accuracy, 1),
      t("score.untrained.note", {
        n: whole(untrained.images),
        trained: percent(untrained.trained_accuracy, 1),
        loss: untrained.loss.toFixed(3),
      }),
    ),
    tile(
      t("score.epoch"),
      t("score.epoch.of", { n: kept, all: history.epoch.length }),
      t("score.epoch.note"),
    ),
    tile(t("score.parameters"), whole(parameters), t("score.parameters.note", { n: whole(counts.train) })),
  );
}

/** What speaks against the data or the scores, a line each. */
function caveats() {
  if (!values.findings.length) return null;
  const items = values.findings.map(({ kind, ...named }) => h("li", {}, t(`finding.${kind}`, named)));
  return panel(t("findings"), h("ul", {}, items));
}

/** Test images beside the ones of other splits that nearly equal them. */
function lookAlikes() {
  if (!hasArray("look_alikes")) return null;
  const { data, shape } = arrayOf("look_alikes");
  const size = data.length / shape[0] / 2;
  const pairs = Array.from({ length: shape[0] }, (_, i) =>
    h(
      "span",
      { class: "pair" },
      [0, 1].map((j) => imageCanvas(data.subarray((2 * i + j) * size, (2 * i + j + 1) * size))),
    ),
  );
  const note = t("look_alikes.note", { n: shape[0] });
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("look_alikes")),
    h("p", { class: "note" }, note),
    h("div", { class: "thumbnails" }, pairs),
  );
}

/** What a layer is, in words: window, stride, padding, units. */
function layerWords(layer) {
  const { config } = layer;
  const parts = {
    ...config,
    activation: config.activation ?? "linear",
    size: (config.kernel_size ?? config.pool_size ?? []).join("×"),
    channels: layer.input_shape.at(-1),
    stride: (config.strides ?? []).every((s) => s === config.strides[0])
      ? (config.strides ?? [])[0]
      : shapeText(config.strides),
  };
  return t(`kind.${layer.kind}.words`, parts);
}

/** The two halves of the network, as the walk through it names them. */
function halves(layers) {
  const flat = layers.findIndex((layer) => layer.kind === "Flatten");
  return [
    ["extraction", layers.slice(0, flat)],
    ["classification", layers.slice(flat)],
  ];
}

function architecture() {
  const layers = values.layers.filter((layer) => layer.kind !== "InputLayer");
  const network = values.live ? run(trainedNetwork(), pixelsOf(0)) : null;
  const input = h(
    "li",
    { class: "layer-box" },
    h("span", { class: "picture" }, imageCanvas(pixelsOf(0))),
    h("b", {}, t("input")),
    h("span", {}, shapeText(values.shape)),
  );
  const box = (layer) =>
    h(
      "li",
      { class: "layer-box" },
      h(
        "a",
        { href: values.live ? `#layer-${values.layers.indexOf(layer)}` : "#live" },
        h("span", { class: "picture" }, network ? strongestMap(network.steps[layers.indexOf(layer)]) : null),
        h("b", {}, layer.name),
        h("span", {}, t(`kind.${layer.kind}`)),
        h("span", {}, shapeText(layer.output_shape)),
        layer.parameters ? h("span", {}, t("parameters.short", { n: whole(layer.parameters) })) : null,
      ),
    );
  const lists = halves(layers).map(([half, members], i) =>
    h(
      "div",
      { class: `half ${half}` },
      h("h4", {}, t(`half.${half}`)),
      h("ol", { class: "walk" }, i === 0 ? input : null, members.map(box)),
    ),
  );
  const about = values.images[0];
  const note = network
    ? t("architecture.note", { image: imageWords(about), name: values.classes[about.actual] })
    : t("architecture.bare");
  return panel(t("architecture"), h("div", { class: "halves" }, lists), h("p", { class: "note" }, note));
}

function imageCanvas(pixels, label) {
  const [height, width, channels] = values.shape;
  const canvas = pixelCanvas(width, height, label);
  paintPixels(canvas, pixels, channels);
  return canvas;
}

/** Of a layer's maps the one with the largest value; vectors in rows, one after another. */
function strongestMap(step) {
  const { output, output_shape: shape } = step;
  const scale = scaleOf(output);
  if (shape.length === 1) {
    const columns = Math.ceil(Math.sqrt(output.length));
    const canvas = pixelCanvas(columns, Math.ceil(output.length / columns));
    paint(canvas, scale, (i) => (i < output.length ? output[i] : NaN));
    return canvas;
  }
  const [height, width, channels] = shape;
  const channel = indexOfLargest(output) % channels;
  const canvas = pixelCanvas(width, height);
  paint(canvas, scale, (i) => output[i * channels + channel]);
  return canvas;
}

function samples() {
  const complete = values.samples.length === values.classes.length;
  const title = complete
    ? t("samples")
    : t("samples.some", { n: values.samples.length, all: values.classes.length });
  return panel(
    title,
    h(
      "div",
      { class: "thumbnails" },
      values.samples.map((index) => thumbnail(index, values.classes[values.images[index].actual], 64)),
    ),
  );
}

function configuration() {
  const rows = (section) =>
    Object.entries(section)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, Array.isArray(value) ? `[${value.join(", ")}]` : String(value)]);
  const { seed, ...sections } = values.configuration;
  const tables = Object.entries(sections).map(([name, section]) =>
    h("div", {}, h("h4", {}, name), facts(rows(section))),
  );
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, t("configuration")),
    h(
      "div",
      { class: "configuration" },
      tables,
      h("div", {}, h("h4", {}, "seed"), facts([["seed", String(seed)]])),
    ),
  );
}
