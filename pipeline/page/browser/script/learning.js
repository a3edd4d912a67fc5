// How the network learned: its curves, and its kernels after every epoch.

const FRAME_MILLISECONDS = 700;

function learning() {
  return part("learning", h("div", { class: "pair" }, curve("loss"), curve("accuracy")), values.epochs.length ? watch() : panel(t("watch"), h("p", {}, t("watch.none", { n: values.max_megabytes }))));
}

function curve(name) {
  const { history, best_epoch: best } = values;
  const format = (v) => (name === "loss" ? v.toFixed(3) : percent(v, 1));
  const describe = (i) => t(`curve.${name}.at`, { epoch: history.epoch[i], train: format(history[name][i]), validation: format(history[`val_${name}`][i]),
    best: history.epoch[i] === best ? t("curve.best") : "" });
  const series = [{ name: t("training"), values: history[name], style: "soft" }, { name: t("validation"), values: history[`val_${name}`], style: "strong" }];
  return lineChart({ title: t(`curve.${name}`), unit: t(`curve.${name}.unit`), series, epochs: history.epoch, best, format: name === "loss" ? (v) => short(v, 2) : (v) => percent(v, 0), describe });
}

function convolutionLayers() {
  return values.layers.filter((layer) => layer.kind === "Conv2D");
}

function seesColours(layer) {
  return layer === convolutionLayers()[0] && layer.input_shape[2] === 3;
}

/** The kernels of one layer as training goes on: a slider, a play button, numbers. */
function watch() {
  const place = h("div", { class: "watch" });
  const layers = convolutionLayers();
  let stop = () => {};
  const show = (name) => {
    stop();
    const film = kernelFilm(layers.find((layer) => layer.name === name));
    stop = film.stop;
    place.replaceChildren(...film.parts);
  };
  show(layers[0].name);
  const pick = layers.length > 1 ? choice(t("layer"), layers.map((layer) => [layer.name, layer.name]), layers[0].name, show) : null;
  const thinned = values.epochs.length < values.num_epochs ? ` ${t("watch.thinned", { n: values.epochs.length - 1, all: values.num_epochs - 1 })}` : null;
  return panel(t("watch"), h("p", { class: "note" }, prose(t("watch.note")), thinned), pick, place);
}

function kernelFilm(layer) {
  const kernel = arrayOf(`epochs/${layer.name}/kernel`);
  const size = kernel.data.length / kernel.shape[0];
  const filters = kernel.shape.at(-1);
  const [low, high] = extremes(kernel.data);
  const { colour_limit: configured } = values.filters[layer.name];
  // Of one channel, the pictures' own limit; deeper kernels have none configured: nothing is beyond theirs.
  const scale = signedScale(layer.input_shape[2] === 1 ? configured : Math.max(-low, high));
  const pictures = Array.from({ length: filters }, (_, f) => kernelCanvas(kernel, f, seesColours(layer)));
  const grid = h("div", { class: "tiles", role: "img", "aria-label": t("watch.tiles", { n: filters, layer: layer.name }), "--tile": `${tileSize(layer)}px` },
    pictures.map((canvas, f) => h("div", { class: "tile" }, h("span", { class: "number" }, String(f)), canvas)));
  const numbers = h("div");
  const distribution = h("div");
  const first = countIn(40, low, high, kernel.data.subarray(0, size));
  const slider = h("input", { type: "range", min: 0, max: values.epochs.length - 1, value: 0, step: 1, "aria-label": t("epoch"), oninput: () => { stop(); show(); } });
  const title = h("output", { class: "epoch" });
  const show = () => {
    const at = Number(slider.value);
    const now = kernel.data.subarray(at * size, (at + 1) * size);
    for (const canvas of pictures) canvas.show(scale, kernel.data, at * size);
    title.textContent = epochWords(values.epochs[at]);
    slider.setAttribute("aria-valuetext", title.textContent);
    numbers.replaceChildren(facts(epochFacts(values.epochs[at], now, kernel.data.subarray(0, size))));
    const counts = countIn(40, low, high, now);
    const series = [{ name: t("untrained"), counts: first, style: "warm" }, { name: title.textContent, counts, style: "strong" }];
    distribution.replaceChildren(histogram({ label: t("watch.histogram"), low, high, unit: t("weight"), series: series.slice(0, at === 0 ? 1 : 2) }));
  };
  const player = play(slider, show);
  const stop = player.stop;
  show();
  return { stop, parts: [h("div", { class: "controls" }, player.button, slider, title),
    h("div", { class: "beside" }, h("div", {}, grid, weightBar(layer, scale, Math.max(-low, high))), h("div", { class: "side" }, numbers, distribution))] };
}

function play(slider, show) {
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; button.textContent = t("play"); };
  const step = () => {
    if (!slider.isConnected) return stop();
    slider.value = Number(slider.value) + 1;
    show();
    if (slider.value === slider.max) stop();
  };
  const button = h("button", { type: "button", class: "primary", onclick: () => {
    if (timer) return stop();
    if (slider.value === slider.max) { slider.value = 0; show(); }
    button.textContent = t("pause");
    timer = setInterval(step, FRAME_MILLISECONDS);
  } }, t("play"));
  return { button, stop };
}

function epochWords(epoch) {
  if (epoch === 0) return t("epoch.untrained");
  return t(epoch === values.best_epoch ? "epoch.best" : "epoch.number", { n: epoch });
}

function epochFacts(epoch, now, first) {
  const { mean, deviation } = moments(now);
  const [low, high] = extremes(now);
  const length = (numbers) => Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0));
  const travel = length(now.map((x, i) => x - first[i])) / (length(first) || 1);
  const row = values.history.epoch.indexOf(epoch);
  const score = row < 0 ? [] : [[t("watch.accuracy"), percent(values.history.val_accuracy[row], 2)], [t("watch.loss"), values.history.val_loss[row].toFixed(4)]];
  return [[t("watch.mean"), short(mean)], [t("watch.deviation"), short(deviation)], [t("watch.range"), t("range", { low: short(low), high: short(high) })], [t("watch.travel"), short(travel)], ...score];
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
  if (seesColours(layer)) return h("p", { class: "note" }, t("weights.colours", { limit: short(scale.high) }));
  return colourBar(scale, largest > scale.high ? t("weights.unit", { limit: short(scale.high) }) : t("weight"));
}
