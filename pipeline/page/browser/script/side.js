// What is pinned, side by side: numbers, curves, first kernels, scores of each class.

const MAX_PINS = 6;
// Of more, the training curves would hide those of the validation images.
const MAX_WITH_TRAINING = 3;
// From what is pinned, "3" for a configuration or "3.1" for a run of it, to its number and colour.
const pins = new Map();
let classScore = "f1";

/** A configuration or a run: its words and numbers, and the runs behind it. */
function pinnable(key) {
  const [c, r] = key.split(".").map(Number);
  const configuration = values.configurations[c];
  if (r === undefined) {
    const chosen = configuration.runs.find((run) => run.name === configuration.chosen);
    return { ...configuration, configuration, chosen };
  }
  const run = configuration.runs[r];
  return {
    ...run,
    configuration,
    label: t("run.label", { label: configuration.label, seed: run.seed }),
    runs: [run],
    chosen: run,
  };
}

/** Pin or release; `element` is what was pressed. */
function togglePin(key, element) {
  const { label } = pinnable(key);
  let words = t("pin.released", { label });
  if (!pins.delete(key)) {
    const free = [...Array(MAX_PINS).keys()].find((slot) => ![...pins.values()].includes(slot));
    if (free === undefined) {
      say(t("pin.full"));
      return showTip(element, t("pin.full"));
    }
    pins.set(key, free);
    words = t("pin.pinned", { label, n: free + 1 });
  }
  showPins();
  say(words);
}

function say(words) {
  document.querySelector("#side .spoken").textContent = words;
}

function showPins() {
  markPins(document);
  document.querySelector("#side .sides").replaceChildren(...sides());
}

/** Show on every button and point, each of which has its `words`, whether it is pinned, and as which number. */
function markPins(within) {
  for (const element of within.querySelectorAll("[data-pin], [data-mark]")) {
    const slot = pins.get(element.dataset.pin ?? element.dataset.mark);
    for (let n = 0; n < MAX_PINS; n++) element.classList.toggle(`pin-${n}`, n === slot);
    if (element.dataset.mark) continue;
    element.setAttribute("aria-pressed", String(slot !== undefined));
    element.querySelector(".badge").textContent = slot === undefined ? "" : slot + 1;
    element.setAttribute("aria-label", slot === undefined ? element.words : `${slot + 1}: ${element.words}`);
  }
}

/** At first: the least that is enough, or else the cheapest worth its cost, beside the best. */
function pinFirst() {
  const { best, smallest, axes, configurations } = values;
  const cheapest = axes[0].front[0] ?? 0;
  const last = configurations.length - 1;
  const wanted = new Set([smallest ?? cheapest, best ?? last, cheapest, last]);
  [...wanted].slice(0, 2).forEach((c, slot) => pins.set(String(c), slot));
}

function side() {
  const spoken = h("p", { class: "visually-hidden spoken", role: "status" });
  return part("side", spoken, h("div", { class: "sides" }, sides()));
}

function sides() {
  if (!pins.size) return [h("p", { class: "panel" }, t("side.none"))];
  const shown = [...pins].sort((a, b) => a[1] - b[1]).map(([key, slot]) => ({ ...pinnable(key), key, slot }));
  return [
    h("div", { class: "pinned" }, shown.map(card)),
    kernelNote(shown),
    h("div", { class: "pair" }, curveOf("loss", shown), curveOf("accuracy", shown)),
    classPanel(shown),
  ];
}

function badge(slot) {
  return h("span", { class: `badge pin-${slot}` }, String(slot + 1));
}

function card(one) {
  const { key, slot, label, told, chosen } = one;
  const release = () => {
    togglePin(key);
    document.getElementById("side-heading").focus({ preventScroll: true });
  };
  const button = h(
    "button",
    { type: "button", class: "release", "aria-label": t("pin.release", { label }), onclick: release },
    "×",
  );
  const rows = [
    [t("column.accuracy"), told.accuracy],
    [t("column.test"), told.test],
    [t("axis.parameters"), told.parameters],
    [t("axis.filters"), told.filters],
    [t("column.epoch"), t("column.epoch.of", { n: told.kept_epoch, all: told.epochs })],
    told.seconds ? [t("axis.seconds"), told.seconds] : null,
    [
      t(told.seeds === "1" ? "column.seed" : "column.seeds"),
      told.seeds === "1" ? String(chosen.seed) : told.seeds,
    ],
  ].filter(Boolean);
  return h(
    "div",
    { class: `panel card pin-${slot}` },
    h("div", { class: "card-head" }, h("h3", {}, badge(slot), " ", label), button),
    facts(rows),
    h("h4", {}, kernelTitle(one)),
    kernelTiles(one),
    h("p", { class: "note" }, h("code", {}, `dvc exp apply ${chosen.name}`)),
  );
}

function kernelTitle({ chosen, runs }) {
  return runs.length > 1 ? t("side.kernels.of", { seed: chosen.seed }) : t("side.kernels");
}

function kernelTiles({ chosen }) {
  if (!chosen.kernel) return h("p", { class: "note" }, t("side.no.kernels"));
  const kernel = arrayOf(chosen.kernel);
  const scale = signedScale(values.kernel_limit);
  const shown = kernel.shape.at(-1);
  const tiles = Array.from({ length: shown }, (_, f) => {
    const canvas = kernelCanvas(kernel, f, values.in_colour);
    canvas.show(scale);
    return h("div", { class: "tile" }, h("span", { class: "number" }, String(f)), canvas);
  });
  const words = t("side.kernels.label", { n: shown, shape: shapeText(kernel.shape.slice(0, 3)) });
  return [
    h("div", { class: "tiles", role: "img", "aria-label": words, "--tile": "34px" }, tiles),
    shown < chosen.filters
      ? h("p", { class: "note" }, t("side.kernels.first", { n: shown, all: chosen.filters }))
      : null,
  ];
}

/** The one colour scale of all kernels. */
function kernelNote(shown) {
  if (!shown.some(({ chosen }) => chosen.kernel)) return null;
  const { kernel_limit: limit, kernel_largest: largest } = values;
  if (values.in_colour) return h("p", { class: "note" }, t("weights.colours", { limit: short(limit) }));
  return colourBar(
    signedScale(limit),
    largest > limit ? t("weights.unit", { limit: short(limit) }) : t("weight"),
  );
}

/** Over the epochs that all seeds reached. */
function meanOver(histories) {
  const length = Math.min(...histories.map((numbers) => numbers.length));
  return Array.from(
    { length },
    (_, i) => histories.reduce((sum, numbers) => sum + numbers[i], 0) / histories.length,
  );
}

function curveOf(name, shown) {
  const format = (value) =>
    value === undefined ? "–" : name === "loss" ? value.toFixed(3) : percent(value, 1);
  const withTraining = shown.length <= MAX_WITH_TRAINING;
  const known = shown.filter(({ runs }) => runs.every((run) => run.history[`val_${name}`]));
  if (!known.length) return null;
  const series = known.flatMap(({ runs, slot, label }) => {
    const columns = (column) => runs.map((run) => run.history[column]).filter(Boolean);
    const faint =
      runs.length > 1
        ? columns(`val_${name}`).map((numbers) => ({ values: numbers, style: `pin-${slot} faint` }))
        : [];
    const training =
      withTraining && columns(name).length
        ? [{ values: meanOver(columns(name)), style: `pin-${slot} training` }]
        : [];
    return [
      ...faint,
      ...training,
      { name: `${slot + 1}: ${label}`, values: meanOver(columns(`val_${name}`)), style: `pin-${slot}` },
    ];
  });
  const longest = Math.max(...series.map((line) => line.values.length));
  const epochs = Array.from({ length: longest }, (_, i) => i + 1);
  const lines = series.filter((line) => line.name);
  return new LineChart({
    title: t(`side.curve.${name}`),
    unit: `${t(`curve.${name}.unit`)}. ${t(withTraining ? "side.curve.training" : "side.curve.alone")}`,
    series,
    epochs,
    format: name === "loss" ? (v) => short(v, 2) : (v) => percent(v, 0),
    describe: (i) =>
      t("side.curve.at", {
        epoch: epochs[i],
        scores: lines.map((line) => `${line.name}: ${format(line.values[i])}`).join("; "),
      }),
  }).element;
}

/** Mean and sample standard deviation, the latter null for one number. */
function meanAndSpread(numbers) {
  const mean = numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
  const squares = numbers.reduce((sum, n) => sum + (n - mean) ** 2, 0);
  return { mean, spread: numbers.length > 1 ? Math.sqrt(squares / (numbers.length - 1)) : null };
}

/** A score of each class that some of the runs have, by the class' name. */
function classScores({ runs }, score) {
  const found = new Map();
  for (const { classes } of runs)
    classes.class?.forEach((name, i) => found.set(name, [...(found.get(name) ?? []), classes[score][i]]));
  return new Map([...found].map(([name, numbers]) => [name, meanAndSpread(numbers)]));
}

function classPanel(shown) {
  const place = h("div", { class: "scrolls", tabindex: "0", role: "group", "aria-label": t("classes") });
  const show = (score) => {
    classScore = score;
    place.replaceChildren(classesTable(shown, score));
  };
  show(classScore);
  const names = ["f1", "precision", "recall"].map((score) => [score, t(`score.${score}`)]);
  const without = shown
    .filter(({ runs }) => !runs.some((run) => run.classes.class))
    .map(({ label }) => label);
  return panel(
    t("classes"),
    h("p", { class: "note" }, prose(t("side.classes.note"))),
    choice(t("side.score"), names, classScore, show),
    place,
    without.length ? h("p", { class: "note" }, t("side.no.classes", { labels: without.join("; ") })) : null,
  );
}

function classesTable(shown, score) {
  const columns = shown.map((one) => classScores(one, score));
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  const head = [
    h("th", { scope: "col" }, t("classes.class")),
    shown.map(({ slot, label }) => h("th", { scope: "col" }, badge(slot), " ", label)),
    shown.length > 1 ? h("th", { scope: "col" }, t("side.difference")) : null,
  ];
  const cell = (found) =>
    found ? h("td", { class: "bar", "--share": found.mean }, scoreText(found)) : h("td", {}, "–");
  const rows = names.map((name) => {
    const found = columns.map((column) => column.get(name));
    const means = found.filter(Boolean).map(({ mean }) => mean);
    const gap = Math.max(...means) - Math.min(...means);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      found.map(cell),
      shown.length > 1 ? h("td", {}, means.length > 1 ? (100 * gap).toFixed(1) : "–") : null,
    );
  });
  return h("table", { class: "classes" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows));
}

function scoreText({ mean, spread }) {
  return `${mean.toFixed(3)}${spread === null ? "" : ` ± ${spread.toFixed(3)}`}`;
}
