// How the network learned: its curves, and its kernels after every epoch.

const FRAME_MILLISECONDS = 700;
const BINS = 40;

function learning() {
  return part(
    "learning",
    h("div", { class: "pair" }, curve("loss"), curve("accuracy")),
    values.epochs.length
      ? watch()
      : panel(t("watch"), h("p", {}, t("watch.none", { n: values.max_megabytes }))),
  );
}

function curve(name) {
  const { history, kept_epoch: kept } = values;
  const format = (v) => (name === "loss" ? v.toFixed(3) : percent(v, 1));
  const describe = (i) =>
    t(`curve.${name}.at`, {
      epoch: history.epoch[i],
      train: format(history[name][i]),
      validation: format(history[`val_${name}`][i]),
      kept: history.epoch[i] === kept ? t("curve.kept") : "",
    });
  const series = [
    { name: t("training"), values: history[name], style: "soft" },
    { name: t("validation"), values: history[`val_${name}`], style: "strong" },
  ];
  return new LineChart({
    title: t(`curve.${name}`),
    unit: t(`curve.${name}.unit`),
    series,
    epochs: history.epoch,
    kept,
    format: name === "loss" ? (v) => short(v, 2) : (v) => percent(v, 0),
    describe,
  }).element;
}

function convolutionLayers() {
  return values.layers.filter((layer) => layer.kind === "Conv2D");
}

/** Show the first convolution, and buttons to choose another where there are several. */
function layerChoice(show) {
  const layers = convolutionLayers();
  show(layers[0]);
  if (layers.length === 1) return null;
  const names = layers.map((layer) => [layer.name, layer.name]);
  return choice(t("layer"), names, layers[0].name, (name) => show(layers.find((layer) => layer.name === name)));
}

function seesColours(layer) {
  return layer === convolutionLayers()[0] && layer.input_shape[2] === 3;
}

/** The kernels of one layer as training goes on: a slider, a play button, numbers. */
function watch() {
  const place = h("div", { class: "watch" });
  let film = null;
  const pick = layerChoice((layer) => {
    film?.stop();
    film = new KernelFilm(layer);
    place.replaceChildren(...film.parts);
  });
  const thinned =
    values.epochs.length < values.num_epochs
      ? ` ${t("watch.thinned", { n: values.epochs.length - 1, all: values.num_epochs - 1 })}`
      : null;
  return panel(t("watch"), h("p", { class: "note" }, prose(t("watch.note")), thinned), pick, place);
}

/** A layer's kernels at one epoch after another. */
class KernelFilm {
  constructor(layer) {
    this.layer = layer;
    this.kernel = arrayOf(`epochs/${layer.name}/kernel`);
    this.range = extremes(this.kernel.data);
    this.largest = Math.max(...this.range.map(Math.abs));
    const { colour_limit: configured } = values.filters[layer.name];
    // Of one channel, the pictures' own limit; deeper kernels have none configured: nothing is beyond theirs.
    this.scale = signedScale(layer.input_shape[2] === 1 ? configured : this.largest);
    this.pictures = Array.from({ length: layer.config.filters }, (_, f) =>
      kernelCanvas(this.kernel, f, seesColours(layer)),
    );
    this.slider = h("input", {
      type: "range",
      min: 0,
      max: values.epochs.length - 1,
      value: 0,
      step: 1,
      "aria-label": t("epoch"),
      oninput: () => {
        this.stop();
        this.show();
      },
    });
    this.title = h("output", { class: "epoch" });
    this.button = h(
      "button",
      { type: "button", class: "primary", onclick: () => this.playOrPause() },
      t("play"),
    );
    this.numbers = h("div");
    this.distribution = h("div");
    this.parts = this.arranged();
    this.show();
  }

  arranged() {
    const { layer } = this;
    const label = t("watch.tiles", { n: layer.config.filters, layer: layer.name });
    const tiles = this.pictures.map((canvas, f) =>
      h("div", { class: "tile" }, h("span", { class: "number" }, String(f)), canvas),
    );
    const grid = h(
      "div",
      { class: "tiles", role: "img", "aria-label": label, "--tile": `${tileSize(layer)}px` },
      tiles,
    );
    return [
      h("div", { class: "controls" }, this.button, this.slider, this.title),
      h(
        "div",
        { class: "beside" },
        h("div", {}, grid, weightBar(layer, this.scale, this.largest)),
        h("div", { class: "side" }, this.numbers, this.distribution),
      ),
    ];
  }

  /** The weights at one of the epochs in the page. */
  weightsAt(place) {
    const size = this.kernel.data.length / this.kernel.shape[0];
    return this.kernel.data.subarray(place * size, (place + 1) * size);
  }

  show() {
    const at = Number(this.slider.value);
    const [first, now] = [this.weightsAt(0), this.weightsAt(at)];
    for (const canvas of this.pictures) canvas.show(this.scale, now, 0);
    this.title.textContent = epochWords(values.epochs[at]);
    this.slider.setAttribute("aria-valuetext", this.title.textContent);
    this.numbers.replaceChildren(facts(epochFacts(values.epochs[at], now, first)));
    const series = [{ name: t("untrained"), counts: countIn(BINS, ...this.range, first), style: "warm" }];
    if (at > 0)
      series.push({
        name: this.title.textContent,
        counts: countIn(BINS, ...this.range, now),
        style: "strong",
      });
    const [low, high] = this.range;
    this.distribution.replaceChildren(
      histogram({ label: t("watch.histogram"), low, high, unit: t("weight"), series }),
    );
  }

  playOrPause() {
    if (this.timer) return this.stop();
    if (this.slider.value === this.slider.max) {
      this.slider.value = 0;
      this.show();
    }
    this.button.textContent = t("pause");
    this.timer = setInterval(() => this.step(), FRAME_MILLISECONDS);
  }

  step() {
    if (!this.slider.isConnected) return this.stop();
    this.slider.value = Number(this.slider.value) + 1;
    this.show();
    if (this.slider.value === this.slider.max) this.stop();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.textContent = t("play");
  }
}

function epochWords(epoch) {
  if (epoch === 0) return t("epoch.untrained");
  return t(epoch === values.kept_epoch ? "epoch.kept" : "epoch.number", { n: epoch });
}

function epochFacts(epoch, now, first) {
  const { mean, deviation } = moments(now);
  const [low, high] = extremes(now);
  const length = (numbers) => Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0));
  const travel = length(now.map((x, i) => x - first[i])) / (length(first) || 1);
  const row = values.history.epoch.indexOf(epoch);
  const score =
    row < 0
      ? []
      : [
          [t("watch.accuracy"), percent(values.history.val_accuracy[row], 2)],
          [t("watch.loss"), values.history.val_loss[row].toFixed(4)],
        ];
  return [
    [t("watch.mean"), short(mean)],
    [t("watch.deviation"), short(deviation)],
    [t("watch.range"), t("range", { low: short(low), high: short(high) })],
    [t("watch.travel"), short(travel)],
    ...score,
  ];
}

function moments(numbers) {
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const square = numbers.reduce((a, b) => a + (b - mean) ** 2, 0) / numbers.length;
  return { mean, deviation: Math.sqrt(square) };
}

function extremes(numbers) {
  let low = Infinity;
  let high = -Infinity;
  for (const number of numbers) {
    if (number < low) low = number;
    if (number > high) high = number;
  }
  return [low, high];
}

/** Wider tiles for kernels of many channels, which are shown side by side. */
function tileSize(layer) {
  const channels = layer.input_shape[2];
  return channels <= 3 ? 58 : Math.min(110, 28 + 8 * Math.ceil(Math.sqrt(channels)));
}

/** The colours of weights; a first layer on colours mixes them instead. */
function weightBar(layer, scale, largest) {
  if (seesColours(layer))
    return h("p", { class: "note" }, t("weights.colours", { limit: short(scale.high) }));
  return colourBar(
    scale,
    largest > scale.high ? t("weights.unit", { limit: short(scale.high) }) : t("weight"),
  );
}
