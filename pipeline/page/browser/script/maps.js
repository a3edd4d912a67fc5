// The layers of the live network: a card each, with its maps or its vector, their scale and distribution.

const MINI_BINS = 48;
// One width for all maps, so that a filter and its pooled map stand in the same place.
const MAP_PIXELS = 58;
// A pointer on its way to somewhere else looks at no map that it crosses.
const RESTING_MILLISECONDS = 90;
const MAX_UNITS_IN_ROW = 50;

/** What a card shows of a step: the values before or after its activation. */
function shownValues(step) {
  return live.before && step.before && step.activation !== "softmax" ? step.before : step.output;
}

/** The scale of a layer: a convolution and the layers up to the next one share theirs, so that they compare. */
function groupScale(network, depth) {
  const { steps } = network;
  if (steps[depth].output_shape.length === 1 || (live.before && steps[depth].before))
    return scaleOf(shownValues(steps[depth]));
  let first = depth;
  while (first > 0 && steps[first].kind !== "Conv2D") first--;
  let end = depth + 1;
  while (end < steps.length && steps[end].kind !== "Conv2D" && steps[end].output_shape.length === 3) end++;
  return scaleOf(...steps.slice(first, end).map((step) => step.output));
}

/** One scale for all maps of a network. */
function sharedScale(network) {
  const maps = network.steps.slice(0, network.runnable).filter((step) => step.output_shape.length === 3);
  return scaleOf(...maps.map(shownValues));
}

class LayerCard {
  constructor(layer, depth, actions) {
    Object.assign(this, { layer, depth, visible: true, flat: layer.output_shape.length === 1 });
    this.range = h("span", { class: "range" });
    this.mini = h("canvas", { class: "mini", width: MINI_BINS * 2, height: 32, "aria-hidden": "true" });
    this.bar = colourBar({ low: 0, high: 1, table: POSITIVE }, t("activation"));
    this.maps = new (this.flat ? VectorPicture : MapGrid)(layer, depth, actions);
    this.missing = h("p", { class: "note warm", hidden: true }, t("live.no.dense"));
    this.element = this.arranged();
  }

  arranged() {
    const { layer, depth } = this;
    const count = layer.parameters ? ` · ${t("parameters.count", { n: whole(layer.parameters) })}` : "";
    const title = h(
      "div",
      {},
      h("h4", {}, `${depth + 1} · ${layer.name}`),
      h("p", { class: "note" }, prose(layerWords(layer))),
    );
    return h(
      "article",
      { class: "panel layer-card", id: `layer-${depth + 1}`, "aria-label": layer.name },
      h("header", {}, title, h("div", { class: "spread" }, this.mini, this.range)),
      h(
        "p",
        { class: "shapes" },
        `${shapeText(layer.input_shape)} → ${shapeText(layer.output_shape)}`,
        count,
      ),
      this.missing,
      this.maps.element,
      this.bar,
    );
  }

  /** Draw what a network that has run makes of its input, when the card is in sight. */
  show(network, shared) {
    const there = this.depth < network.runnable;
    this.missing.hidden = there;
    for (const part of [this.maps.element, this.bar, this.mini, this.range])
      part.classList.toggle("absent", !there);
    if (!there || !this.visible) return;
    const step = network.steps[this.depth];
    const scale = shared && !this.flat ? shared : groupScale(network, this.depth);
    this.maps.show(step, scale);
    this.bar.show(scale);
    const [low, high] = extremes(shownValues(step));
    this.range.textContent = t("range", { low: short(low), high: short(high) });
    miniHistogram(this.mini, shownValues(step), low, high);
  }

  mark() {
    this.maps.mark();
  }
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

/** The maps of a layer: buttons that switch their filter off, and whose pixels can be looked at. */
class MapGrid {
  constructor(layer, depth, { inspect, toggle }) {
    Object.assign(this, {
      layer,
      depth,
      inspect,
      owner: convolutionBefore(depth),
      canvases: [],
      resting: null,
      marked: null,
    });
    const [rows, columns, channels] = layer.output_shape;
    this.element = tileGrid({
      label: t("tiles.label", { layer: layer.name, n: channels }),
      order: [...Array(channels).keys()],
      tile: (filter) => ({
        label: t("tile.label", { layer: layer.name, n: filter }),
        pressed: false,
        style: firing(values.filters[this.owner.name], filter) ?? "",
      }),
      canvas: (filter) => (this.canvases[filter] = pixelCanvas(columns, rows)),
      choose: (filter) => toggle(this.owner.name, filter),
      size: MAP_PIXELS,
    });
    this.listen();
  }

  listen() {
    const { element } = this;
    for (const kind of ["pointermove", "pointerdown"])
      element.addEventListener(kind, (event) => this.point(event));
    element.addEventListener("pointerleave", () => clearTimeout(this.resting));
    element.addEventListener("keydown", (event) => movePixel(event, this.depth, this.inspect));
    element.addEventListener("focusin", (event) => {
      const button = event.target.closest(".tile");
      if (button?.matches(":focus-visible"))
        this.inspect(strongestPlace(this.depth, Number(button.dataset.number)));
    });
  }

  point(event) {
    const button = event.target.closest(".tile");
    if (!button) return;
    const { depth } = this;
    const channel = Number(button.dataset.number);
    const place = { depth, channel, ...pixelAt(event, this.canvases[channel]) };
    clearTimeout(this.resting);
    const sameMap = live.place.depth === depth && live.place.channel === channel;
    if (sameMap || event.type === "pointerdown") this.inspect(place);
    else this.resting = setTimeout(() => this.inspect(place), RESTING_MILLISECONDS);
  }

  show(step, scale) {
    const shown = shownValues(step);
    const channels = this.canvases.length;
    this.canvases.forEach((canvas, f) => paint(canvas, scale, (i) => shown[i * channels + f]));
    for (const [f, button] of this.element.buttons)
      button.setAttribute("aria-pressed", String(switchedOff(this.owner, f)));
  }

  mark() {
    this.marked?.classList.remove("looked-at");
    this.marked = live.place.depth === this.depth ? this.element.buttons.get(live.place.channel) : null;
    this.marked?.classList.add("looked-at");
  }
}

/** The pixel of a canvas below the pointer: {row, column}. */
function pixelAt(event, canvas) {
  const box = canvas.getBoundingClientRect();
  const pixel = (offset, size, count) =>
    Math.max(0, Math.min(count - 1, Math.floor((offset / size) * count)));
  return {
    row: pixel(event.clientY - box.top, box.height, canvas.height),
    column: pixel(event.clientX - box.left, box.width, canvas.width),
  };
}

/** By how much an arrow key moves: [down, across], or null for other keys. */
function arrowStep({ key }) {
  return { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[key] ?? null;
}

/** Shift and the arrow keys move the pixel that is looked at. */
function movePixel(event, depth, inspect) {
  const step = arrowStep(event);
  if (!event.shiftKey || !step || live.place.depth !== depth) return;
  event.preventDefault();
  inspect(moved(live.place, step));
}

function moved(place, [down, across]) {
  return within({ ...place, row: Math.max(0, place.row + down), column: Math.max(0, place.column + across) });
}

/** Where a filter's map is largest. */
function strongestPlace(depth, channel) {
  const step = networkOf(live.which).steps[depth];
  const channels = step.output_shape[2];
  let best = channel;
  for (let i = channel; i < step.output.length; i += channels)
    if (step.output[i] > step.output[best]) best = i;
  return { depth, ...placeOf(step, best) };
}

/** A vector in rows: flattened maps with a row for each pixel, units in rows as long as there is room for. */
class VectorPicture {
  constructor(layer, depth, { inspect }) {
    const size = layer.output_shape[0];
    const columns = layer.kind === "Flatten" ? layer.input_shape.at(-1) : Math.min(size, MAX_UNITS_IN_ROW);
    Object.assign(this, { depth, inspect, size, columns });
    this.canvas = pixelCanvas(columns, Math.ceil(size / columns));
    this.element = h(
      "div",
      {
        class: `vector ${layer.kind === "Flatten" ? "long" : ""}`,
        tabindex: "0",
        role: "application",
        "aria-label": t("vector.label", { layer: layer.name, n: size }),
        "--columns": columns,
      },
      this.canvas,
    );
    this.listen();
  }

  listen() {
    const { element } = this;
    const point = (event) => {
      const { row, column } = pixelAt(event, this.canvas);
      this.pick(row * this.columns + column);
    };
    for (const kind of ["pointermove", "pointerdown"]) element.addEventListener(kind, point);
    element.addEventListener("focus", () => {
      if (element.matches(":focus-visible") && live.place.depth !== this.depth) this.pick(0);
    });
    element.addEventListener("keydown", (event) => {
      const step = arrowStep(event);
      if (!step) return;
      event.preventDefault();
      this.pick(
        (live.place.depth === this.depth ? live.place.channel : 0) + step[0] * this.columns + step[1],
      );
    });
  }

  pick(index) {
    this.inspect({
      depth: this.depth,
      row: 0,
      column: 0,
      channel: Math.max(0, Math.min(this.size - 1, index)),
    });
  }

  show(step, scale) {
    const shown = shownValues(step);
    paint(this.canvas, scale, (i) => (i < this.size ? shown[i] : NaN));
  }

  mark() {
    /* The value is named in the inspector; its picture has no room for a mark. */
  }
}
