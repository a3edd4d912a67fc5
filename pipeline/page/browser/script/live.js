// The network itself: what it makes of an image, layer by layer, while the image changes.

// A pass of a large network is done in parts of so many milliseconds, so that the pen is never held up.
const PART_MILLISECONDS = 12;
const SPOKEN_AFTER_MILLISECONDS = 600;
const MINI_BINS = 48;
const MAX_BARS = 20;
// One width for all maps, so that a filter and its pooled map stand in the same place.
const MAP_PIXELS = 58;
// A pointer on its way to somewhere else looks at no map that it crosses.
const RESTING_MILLISECONDS = 90;

const live = { index: 0, pixels: null, words: null, which: "trained", off: new Map(), shared: false, before: false, place: null, channel: null };
let view = null;
const networks = new Map();

/** One of the networks, each built once: "trained", "untrained", or the number of an epoch. */
function networkOf(which, copy = "") {
  const key = `${which}${copy}`;
  if (!networks.has(key)) networks.set(key, buildNetwork(values.layers, variablesOf(which)));
  return networks.get(key);
}

function trainedNetwork() {
  return networkOf("trained");
}

/** Weights by layer. After an epoch only those of the convolutions are kept. */
function variablesOf(which) {
  if (typeof which === "string") return (layer, name) => arrayOf(`${which}/${layer.name}/${name}`).data;
  const at = values.epochs.indexOf(which);
  return (layer, name) => {
    if (layer.kind !== "Conv2D") return null;
    const { data, shape } = arrayOf(`epochs/${layer.name}/${name}`);
    const size = data.length / shape[0];
    return data.subarray(at * size, (at + 1) * size);
  };
}

function switchedOff(step, filter) {
  return live.off.get(step.name)?.has(filter) ?? false;
}

/** Show one of the page's images in the live network, and go there. */
function sendToLive(index) {
  live.index = index;
  view.showImage(index);
  document.getElementById("live").scrollIntoView();
  document.getElementById("live-heading").focus({ preventScroll: true });
}

function tooLarge() {
  return t("live.too.large", { n: values.max_megabytes });
}

function livePart() {
  if (!values.live) return part("live", h("p", { class: "panel" }, tooLarge()));
  view = liveView();
  return part("live", view.element);
}

function liveView() {
  const surface = drawingSurface((pixels, words) => { live.pixels = pixels; live.words = words; live.index = null; request(); });
  const source = h("p", { class: "note source" });
  const chances = probabilityBars();
  const inspector = inspectorPanel(() => request());
  const cards = networkOf("trained").steps.map((step, depth) => layerCard(step, depth, { inspect, toggle }));
  const offList = h("div", { class: "off-list" });
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  let speaking = null;

  /** A pass with the filters as they are, and when some are off one with all of them, to compare. */
  function* work() {
    const network = networkOf(live.which);
    yield* passes(network, live.pixels, live.off);
    if (live.off.size) yield* passes(networkOf(live.which, " whole"), live.pixels);
  }
  const request = latestOnly(work, () => paintAll());

  function paintAll() {
    const network = networkOf(live.which);
    source.textContent = live.words;
    chances.show(network, live.off.size ? networkOf(live.which, " whole") : null);
    const shared = live.shared ? scaleOf(...network.steps.slice(0, network.runnable).filter((s) => s.output_shape.length === 3).map(shownValues)) : null;
    for (const card of cards) card.show(network, shared);
    inspector.show(network);
    markField(surface.element, network);
    offList.replaceChildren(...offRows(request));
    clearTimeout(speaking);
    speaking = setTimeout(() => { spoken.textContent = chances.words; }, SPOKEN_AFTER_MILLISECONDS);
  }

  function inspect(place) {
    const same = live.place && ["depth", "row", "column", "channel"].every((key) => live.place[key] === place[key]);
    if (same) return;
    if (live.place?.depth !== place.depth) live.channel = null;
    live.place = place;
    look();
  }
  const look = atNextFrame(() => {
    const network = networkOf(live.which);
    inspector.show(network);
    markField(surface.element, network);
    for (const card of cards) card.mark();
  });

  function toggle(name, filter) {
    const filters = live.off.get(name) ?? new Set();
    if (!filters.delete(filter)) filters.add(filter);
    if (filters.size) live.off.set(name, filters);
    else live.off.delete(name);
    request();
  }
  inspector.toggle = toggle;

  function showImage(index) {
    const about = values.images[index];
    live.pixels = pixelsOf(index).slice();
    live.words = t("live.image", { image: imageWords(about), name: values.classes[about.actual] });
    live.index = index;
    surface.show(live.pixels);
    request();
  }
  const usePixels = (pixels, words) => {
    live.pixels = pixels;
    live.words = words;
    live.index = null;
    surface.show(pixels);
    request();
  };

  const open = pictureSources(surface.element, usePixels, (words) => { source.textContent = words; });
  const left = h("div", { class: "live-left" }, panel(t("live.input"), surface.element, source, drawingTools(surface)), panel(t("live.output"), chances.element, offList));
  const right = h("div", { class: "live-right" }, inspector.element);
  const middle = h("div", { class: "live-layers" }, imageChooser(showImage, open, surface.invert), liveControls(request), halfSections(cards));
  const element = h("div", { class: "live" }, spoken, left, middle, right);
  watchVisible(cards, request);
  live.place ??= { depth: 0, row: Math.floor(values.shape[0] / 2), column: Math.floor(values.shape[1] / 2), channel: 0 };
  live.place = within(live.place);
  if (live.index === null) usePixels(live.pixels, live.words);
  else showImage(live.index);
  return { element, showImage, surface, request };
}

/** A place inside of its layer's output. */
function within(place) {
  const shape = networkOf("trained").steps[place.depth].output_shape;
  if (shape.length === 1) return { ...place, row: 0, column: 0, channel: Math.min(place.channel, shape[0] - 1) };
  const [rows, columns, channels] = shape;
  return { ...place, row: Math.min(place.row, rows - 1), column: Math.min(place.column, columns - 1), channel: Math.min(place.channel, channels - 1) };
}

/**
 * Do some work in parts, once a frame; asked for again in the meantime, start over when this one is done.
 * @param work generator that pauses where it may be interrupted
 */
function latestOnly(work, done) {
  let running = null;
  let again = false;
  const go = () => {
    const end = performance.now() + PART_MILLISECONDS;
    while (performance.now() < end) {
      if (!running.next().done) continue;
      running = null;
      done();
      if (again) start();
      return;
    }
    setTimeout(go, 0);
  };
  const start = () => {
    again = false;
    running = work();
    requestAnimationFrame(go);
  };
  return () => {
    if (running) again = true;
    else start();
  };
}

/** Draw the cards that come into sight anew: the others are not drawn. */
function watchVisible(cards, request) {
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const card = cards.find((one) => one.element === entry.target);
      card.visible = entry.isIntersecting;
    }
    if (entries.some((entry) => entry.isIntersecting)) request();
  }, { rootMargin: "200px" });
  for (const card of cards) observer.observe(card.element);
}

function liveControls(request) {
  const set = (key) => (value) => { live[key] = value; request(); };
  const epochs = values.epochs.filter((epoch) => epoch > 0);
  const which = (value) => set("which")(["trained", "untrained"].includes(value) ? value : Number(value));
  const options = [["trained", t("live.trained", { n: values.best_epoch })], ["untrained", t("live.untrained")], ...epochs.map((epoch) => [epoch, t("live.epoch", { n: epoch })])];
  return h("div", { class: "panel live-controls" }, dropDown(t("live.network"), options, live.which, which),
    choice(t("live.maps"), [[false, t("live.after")], [true, t("live.before")]], live.before, set("before")),
    choice(t("live.scale"), [[false, t("live.scale.layer")], [true, t("live.scale.shared")]], live.shared, set("shared")),
    h("p", { class: "note" }, t("live.keys")));
}

function halfSections(cards) {
  const layers = values.layers.filter((layer) => layer.kind !== "InputLayer");
  let next = 0;
  return halves(layers).map(([half, members]) => h("section", { class: `half ${half}`, "aria-label": t(`half.${half}`) }, h("h3", {}, t(`half.${half}`)),
    h("p", { class: "note" }, prose(t(`half.${half}.note`))), members.map(() => cards[next++].element)));
}

function imageChooser(show, open, invert) {
  const anyOf = h("button", { type: "button", onclick: () => show(Math.floor(Math.random() * values.images.length)) }, t("live.random", { n: values.images.length }));
  const row = [...new Set([0, ...values.samples])].map((index) => thumbnail(index, null, 40, show));
  return panel(t("live.choose"), h("div", { class: "thumbnails" }, row), h("div", { class: "buttons" }, anyOf, open, h("button", { type: "button", onclick: invert }, t("draw.invert"))),
    h("p", { class: "note", id: "draw-keys" }, t("draw.keys")), h("p", { class: "note" }, t("draw.remark")));
}

/** What a card shows of a step: the values before or after its activation. */
function shownValues(step) {
  return live.before && step.before && step.activation !== "softmax" ? step.before : step.output;
}

/** The scale of a layer: a convolution and the layers up to the next one share theirs, so that they compare. */
function groupScale(network, depth) {
  const { steps } = network;
  if (steps[depth].output_shape.length === 1 || (live.before && steps[depth].before)) return scaleOf(shownValues(steps[depth]));
  let first = depth;
  while (first > 0 && steps[first].kind !== "Conv2D") first--;
  let end = depth + 1;
  while (end < steps.length && steps[end].kind !== "Conv2D" && steps[end].output_shape.length === 3) end++;
  return scaleOf(...steps.slice(first, end).map((step) => step.output));
}

function layerCard(layer, depth, actions) {
  const range = h("span", { class: "range" });
  const mini = h("canvas", { class: "mini", width: MINI_BINS * 2, height: 32, "aria-hidden": "true" });
  const bar = colourBar({ low: 0, high: 1, table: POSITIVE }, t("activation"));
  const maps = layer.output_shape.length === 3 ? mapGrid(layer, depth, actions) : vectorPicture(layer, depth, actions);
  const missing = h("p", { class: "note warm", hidden: true });
  const element = h("article", { class: "panel layer-card", id: `layer-${depth + 1}`, "aria-label": layer.name },
    h("header", {}, h("div", {}, h("h4", {}, `${depth + 1} · ${layer.name}`), h("p", { class: "note" }, prose(layerWords(layer)))),
      h("div", { class: "spread" }, mini, range)),
    h("p", { class: "shapes" }, `${shapeText(layer.input_shape)} → ${shapeText(layer.output_shape)}`, layer.parameters ? ` · ${t("parameters.count", { n: whole(layer.parameters) })}` : ""), missing, maps.element, bar);
  const card = { element, visible: true };
  card.show = (network, shared) => {
    const there = depth < network.runnable;
    missing.hidden = there;
    for (const part of [maps.element, bar, mini, range]) part.classList.toggle("absent", !there);
    if (!there) missing.textContent = t("live.no.dense");
    if (!there || !card.visible) return;
    const step = network.steps[depth];
    const scale = shared && layer.output_shape.length === 3 ? shared : groupScale(network, depth);
    maps.show(step, scale);
    bar.show(scale);
    const [low, high] = extremes(shownValues(step));
    range.textContent = t("range", { low: short(low), high: short(high) });
    miniHistogram(mini, shownValues(step), low, high);
    card.mark();
  };
  card.mark = () => maps.mark?.();
  return card;
}

/** Counts of a layer's values, logarithmic since most outputs of a ReLU are zero. */
function miniHistogram(canvas, numbers, low, high) {
  const counts = countIn(MINI_BINS, low, high, numbers);
  const top = Math.log(1 + Math.max(...counts));
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = getComputedStyle(canvas).color;
  counts.forEach((count, i) => {
    const tall = (Math.log(1 + count) / top) * canvas.height;
    context.fillRect(i * 2, canvas.height - tall, 2, tall);
  });
}

/** The convolution whose filters the channels of a layer's output are. */
function convolutionBefore(depth) {
  const { steps } = networkOf("trained");
  return steps.slice(0, depth + 1).findLast((step) => step.kind === "Conv2D");
}

function mapGrid(layer, depth, { inspect, toggle }) {
  const [rows, columns, channels] = layer.output_shape;
  const owner = convolutionBefore(depth);
  const canvases = [];
  const tile = (filter) => ({ label: t("tile.label", { layer: layer.name, n: filter }), pressed: false, style: firing(values.filters[owner.name], filter) ?? "" });
  const grid = tileGrid({ label: t("tiles.label", { layer: layer.name, n: channels }), order: [...Array(channels).keys()], tile, size: MAP_PIXELS,
    canvas: (filter) => (canvases[filter] = pixelCanvas(columns, rows)), choose: (filter) => toggle(owner.name, filter) });
  let resting = null;
  const at = (event) => {
    const button = event.target.closest?.(".tile");
    if (!button) return;
    const channel = Number(button.dataset.number);
    const box = canvases[channel].getBoundingClientRect();
    const pixel = (offset, size, count) => Math.max(0, Math.min(count - 1, Math.floor((offset / size) * count)));
    const place = { depth, channel, row: pixel(event.clientY - box.top, box.height, rows), column: pixel(event.clientX - box.left, box.width, columns) };
    clearTimeout(resting);
    const sameMap = live.place.depth === depth && live.place.channel === channel;
    if (sameMap || event.type === "pointerdown") inspect(place);
    else resting = setTimeout(() => inspect(place), RESTING_MILLISECONDS);
  };
  grid.addEventListener("pointerleave", () => clearTimeout(resting));
  for (const kind of ["pointermove", "pointerdown"]) grid.addEventListener(kind, at);
  grid.addEventListener("focusin", (event) => {
    const button = event.target.closest(".tile");
    if (!button?.matches(":focus-visible")) return;
    inspect(strongestPlace(depth, Number(button.dataset.number)));
  });
  grid.addEventListener("keydown", (event) => movePixel(event, depth, inspect));
  let marked = null;
  return {
    element: grid,
    show(step, scale) {
      const shown = shownValues(step);
      canvases.forEach((canvas, f) => paint(canvas, scale, (i) => shown[i * channels + f]));
      for (const [f, button] of grid.buttons) button.setAttribute("aria-pressed", String(switchedOff(owner, f)));
    },
    mark() {
      marked?.classList.remove("looked-at");
      marked = live.place?.depth === depth ? grid.buttons.get(live.place.channel) : null;
      marked?.classList.add("looked-at");
    },
  };
}

/** Shift and the arrow keys move the pixel that is looked at. */
function movePixel(event, depth, inspect) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (!event.shiftKey || !(event.key in steps) || live.place?.depth !== depth) return;
  event.preventDefault();
  const [down, across] = steps[event.key];
  inspect(within({ ...live.place, row: Math.max(0, live.place.row + down), column: Math.max(0, live.place.column + across) }));
}

/** Where a filter's map is largest. */
function strongestPlace(depth, channel) {
  const step = networkOf(live.which).steps[depth];
  const channels = step.output_shape[2];
  let best = channel;
  for (let i = channel; i < step.output.length; i += channels) if (step.output[i] > step.output[best]) best = i;
  return { depth, ...placeOf(step, best) };
}

/** A vector in rows: flattened maps with a row for each pixel, units in rows as long as there is room for. */
function vectorPicture(layer, depth, { inspect }) {
  const size = layer.output_shape[0];
  const columns = layer.kind === "Flatten" ? layer.input_shape.at(-1) : Math.min(size, 50);
  const rows = Math.ceil(size / columns);
  const canvas = pixelCanvas(columns, rows);
  const element = h("div", { class: `vector ${layer.kind === "Flatten" ? "long" : ""}`, tabindex: "0", role: "application", "aria-label": t("vector.label", { layer: layer.name, n: size }), "--columns": columns }, canvas);
  const pick = (index) => inspect({ depth, row: 0, column: 0, channel: Math.max(0, Math.min(size - 1, index)) });
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [Math.floor(((event.clientX - box.left) / box.width) * columns), Math.floor(((event.clientY - box.top) / box.height) * rows)];
    pick(y * columns + x);
  };
  for (const kind of ["pointermove", "pointerdown"]) element.addEventListener(kind, at);
  element.addEventListener("focus", () => { if (element.matches(":focus-visible") && live.place?.depth !== depth) pick(0); });
  element.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    pick((live.place?.depth === depth ? live.place.channel : 0) + step);
  });
  return { element, show(step, scale) {
    const shown = shownValues(step);
    paint(canvas, scale, (i) => (i < size ? shown[i] : NaN));
  } };
}

function probabilityBars() {
  const { classes } = values;
  const rows = classes.map((name) => {
    const value = h("span", { class: "value" });
    const change = h("span", { class: "change" });
    return { row: h("li", { "--share": 0, "--was": 0 }, h("span", { class: "class-name" }, name), h("span", { class: "track" }, h("span", { class: "fill" }), h("span", { class: "was" })), value, change), value, change };
  });
  const list = h("ol", { class: "chances" }, rows.slice(0, MAX_BARS).map((one) => one.row));
  const title = h("p", { class: "predicted" });
  const head = h("p", { class: "note change-head" }, t("live.change"));
  const bars = { element: h("div", {}, title, head, list), words: "" };
  bars.show = (network, whole) => {
    list.hidden = !network.complete;
    head.hidden = !whole || !network.complete;
    title.classList.toggle("warm", !network.complete);
    if (!network.complete) {
      bars.words = title.textContent = t("live.no.probabilities");
      return;
    }
    const now = probabilitiesOf(network);
    const was = whole ? probabilitiesOf(whole) : null;
    const best = indexOfLargest(now);
    bars.words = title.textContent = t("live.predicted", { name: classes[best], n: chance(now[best]) });
    const order = classes.length > MAX_BARS ? [...classes.keys()].sort((a, b) => now[b] - now[a]).slice(0, MAX_BARS) : null;
    if (order) list.replaceChildren(...order.map((k) => rows[k].row));
    rows.forEach(({ row, value, change }, k) => {
      row.style.setProperty("--share", now[k]);
      row.style.setProperty("--was", was ? was[k] : now[k]);
      row.classList.toggle("best", k === best);
      row.classList.toggle("compared", was !== null);
      value.textContent = chance(now[k]);
      change.textContent = was ? signed(now[k] - was[k]) : "";
    });
  };
  return bars;
}

/** Which filters are off, what each alone costs on the validation images, and a button to have all back. */
function offRows(request) {
  const rows = [...live.off].flatMap(([name, filters]) => [...filters].map((filter) => {
    const about = values.filters[name];
    return h("li", {}, t("off.row", { layer: name, n: filter, lost: points(-about.accuracy_lost[filter]), images: whole(about.accuracy_images) }));
  }));
  if (!rows.length) return [h("p", { class: "note" }, t("off.none"))];
  return [h("h4", {}, t("off.title", { n: rows.length })), h("ul", {}, rows), h("p", { class: "note" }, t("off.note")),
    h("button", { type: "button", onclick: () => { live.off.clear(); request(); } }, t("off.all"))];
}

function inspectorPanel(request) {
  const title = h("h3", {});
  const map = pixelCanvas(1, 1);
  const mark = h("span", { class: "pixel-mark" });
  const large = h("div", { class: "large-map", tabindex: "0", role: "application", "aria-label": t("inspector.map") }, map, mark);
  const body = h("div");
  const about = h("div");
  // Where it would stand below everything else, it sticks to the window's lower edge, folded.
  const folded = matchMedia("(max-width: 860px)").matches;
  const panelElement = h("details", { class: "panel inspector", open: !folded }, h("summary", {}, title), h("p", { class: "note" }, t("inspector.hint")), large, body, about);
  const inspector = { element: panelElement, toggle: () => {} };
  let shown = null;
  const move = (place) => {
    live.place = within(place);
    request();
  };
  const at = (event) => {
    const box = map.getBoundingClientRect();
    move({ ...live.place, row: Math.floor(((event.clientY - box.top) / box.height) * map.height), column: Math.floor(((event.clientX - box.left) / box.width) * map.width) });
  };
  for (const kind of ["pointermove", "pointerdown"]) large.addEventListener(kind, at);
  large.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const [down, across] = steps[event.key];
    move({ ...live.place, row: Math.max(0, live.place.row + down), column: Math.max(0, live.place.column + across) });
  });
  inspector.show = (network) => {
    const { place } = live;
    if (place.depth >= network.runnable) {
      title.textContent = t("inspector");
      large.hidden = true;
      about.replaceChildren();
      return body.replaceChildren(h("p", { class: "note" }, t("live.no.dense")));
    }
    const step = network.steps[place.depth];
    title.textContent = `${placeWords(step, place)} = ${short(step.output[indexOf(step, place)])}`;
    showLargeMap(large, map, mark, network, place);
    body.replaceChildren(...inspection(network, place, live.channel, (channel) => { live.channel = channel; request(); }).flat().filter(Boolean));
    const key = `${place.depth} ${place.channel} ${step.kind === "Conv2D" && switchedOff(step, place.channel)} ${state.language}`;
    if (key !== shown) about.replaceChildren(...filterPanel(step, place, inspector.toggle));
    shown = key;
  };
  return inspector;
}

function showLargeMap(large, map, mark, network, place) {
  const step = network.steps[place.depth];
  large.hidden = step.output_shape.length === 1;
  if (large.hidden) return;
  const [rows, columns, channels] = step.output_shape;
  if (map.width !== columns || map.height !== rows) Object.assign(map, { width: columns, height: rows });
  const shown = shownValues(step);
  paint(map, groupScale(network, place.depth), (i) => shown[i * channels + place.channel]);
  const share = (count, size) => `${(100 * count) / size}%`;
  Object.assign(mark.style, { left: share(place.column, columns), top: share(place.row, rows), width: share(1, columns), height: share(1, rows) });
}

/** Of a convolution's filter: a switch, what it is worth, what excites it. */
function filterPanel(step, place, toggle) {
  if (step.kind !== "Conv2D") return [];
  const off = switchedOff(step, place.channel);
  const button = h("button", { type: "button", "aria-pressed": String(off), onclick: () => toggle(step.name, place.channel) }, t(off ? "filter.on" : "filter.off", { n: place.channel }));
  return [h("div", { class: "buttons" }, button), filterFacts(step, place.channel), patches(step, place.channel)];
}

/** Frame on the image what the value that is looked at depends on. */
function markField(surface, network) {
  const mark = surface.querySelector(".field-mark");
  const { place } = live;
  const [height, width] = values.shape;
  const field = receptiveField(network, place.depth, place.row, place.column);
  const clip = (value, size) => Math.max(0, Math.min(size, value));
  const [top, bottom, left, right] = [clip(field.top, height), clip(field.bottom, height), clip(field.left, width), clip(field.right, width)];
  mark.hidden = bottom <= top || right <= left;
  const share = (part, size) => `${(100 * part) / size}%`;
  Object.assign(mark.style, { left: share(left, width), top: share(top, height), width: share(right - left, width), height: share(bottom - top, height) });
}
