// The network itself: what it makes of an image, layer by layer, while the image changes.

// A pass of a large network is done in parts of so many milliseconds, so that the pen is never held up.
const PART_MILLISECONDS = 12;
const SPOKEN_AFTER_MILLISECONDS = 600;

const live = {
  index: 0,
  pixels: null,
  words: null,
  which: "trained",
  off: new Map(),
  shared: false,
  before: false,
  place: null,
  channel: null,
};
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
  view.showImage(index);
  document.getElementById("live").scrollIntoView();
  document.getElementById("live-heading").focus({ preventScroll: true });
}

function tooLarge() {
  return t("live.too.large", { n: values.max_megabytes });
}

function livePart() {
  if (!values.live) return part("live", h("p", { class: "panel" }, tooLarge()));
  view = new LiveView();
  return part("live", view.element);
}

/** The live part's elements, and what brings them up to date. */
class LiveView {
  constructor() {
    this.source = h("p", { class: "note source" });
    this.offList = h("div", { class: "off-list" });
    this.spoken = h("p", { class: "visually-hidden", role: "status" });
    this.request = latestOnly(
      () => this.work(),
      () => this.paintAll(),
    );
    this.look = atNextFrame(() => this.lookAgain());
    const actions = {
      inspect: (place) => this.inspect(place),
      toggle: (name, filter) => this.toggle(name, filter),
      request: this.request,
    };
    this.surface = new Surface((pixels, words) => this.take(pixels, words, null));
    this.output = new Output();
    this.inspector = new Inspector(actions);
    this.cards = trainedNetwork().steps.map((step, depth) => new LayerCard(step, depth, actions));
    this.element = this.arranged();
    watchVisible(this.cards, this.request);
    live.place = within(live.place ?? middleOfImage());
    if (live.index === null) this.use(live.pixels, live.words);
    else this.showImage(live.index);
  }

  arranged() {
    const show = (index) => this.showImage(index);
    const refuse = (words) => {
      this.source.textContent = words;
    };
    const open = pictureSources(this.surface.element, (pixels, words) => this.use(pixels, words), refuse);
    const invert = () => this.surface.invert();
    const left = h(
      "div",
      { class: "live-left" },
      panel(t("live.input"), this.surface.element, this.source, drawingTools(this.surface)),
      panel(t("live.output"), this.output.element, this.offList),
    );
    const middle = h(
      "div",
      { class: "live-layers" },
      imageChooser(show, open, invert),
      liveControls(this.request),
      halfSections(this.cards),
    );
    const right = h("div", { class: "live-right" }, this.inspector.element);
    return h("div", { class: "live" }, this.spoken, left, middle, right);
  }

  /** A pass with the filters as they are, and when some are off one with all of them, to compare. */
  *work() {
    yield* passes(networkOf(live.which), live.pixels, live.off);
    if (live.off.size) yield* passes(networkOf(live.which, " whole"), live.pixels);
  }

  paintAll() {
    const network = networkOf(live.which);
    this.source.textContent = live.words;
    this.output.show(network, live.off.size ? networkOf(live.which, " whole") : null);
    const shared = live.shared ? sharedScale(network) : null;
    for (const card of this.cards) card.show(network, shared);
    this.offList.replaceChildren(...offRows(this.request));
    this.lookAgain();
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      this.spoken.textContent = this.output.words;
    }, SPOKEN_AFTER_MILLISECONDS);
  }

  lookAgain() {
    const network = networkOf(live.which);
    this.inspector.show(network);
    markField(this.surface.element, network);
    for (const card of this.cards) card.mark();
  }

  /** Look at another value. */
  inspect(place) {
    if (["depth", "row", "column", "channel"].every((key) => live.place[key] === place[key])) return;
    if (live.place.depth !== place.depth) live.channel = null;
    live.place = place;
    this.look();
  }

  /** Switch a convolution's filter off, or on again. */
  toggle(name, filter) {
    const filters = live.off.get(name) ?? new Set();
    if (!filters.delete(filter)) filters.add(filter);
    if (filters.size) live.off.set(name, filters);
    else live.off.delete(name);
    this.request();
  }

  /** Run pixels that the surface shows already. */
  take(pixels, words, index) {
    Object.assign(live, { pixels, words, index });
    this.request();
  }

  use(pixels, words, index = null) {
    this.surface.show(pixels);
    this.take(pixels, words, index);
  }

  /** Run one of the page's images. */
  showImage(index) {
    const about = values.images[index];
    const words = t("live.image", { image: imageWords(about), name: values.classes[about.actual] });
    this.use(pixelsOf(index).slice(), words, index);
  }
}

function middleOfImage() {
  return {
    depth: 0,
    row: Math.floor(values.shape[0] / 2),
    column: Math.floor(values.shape[1] / 2),
    channel: 0,
  };
}

/** A place inside of its layer's output. */
function within(place) {
  const shape = networkOf("trained").steps[place.depth].output_shape;
  if (shape.length === 1)
    return { ...place, row: 0, column: 0, channel: Math.min(place.channel, shape[0] - 1) };
  const [rows, columns, channels] = shape;
  return {
    ...place,
    row: Math.min(place.row, rows - 1),
    column: Math.min(place.column, columns - 1),
    channel: Math.min(place.channel, channels - 1),
  };
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
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const card = cards.find((one) => one.element === entry.target);
        card.visible = entry.isIntersecting;
      }
      if (entries.some((entry) => entry.isIntersecting)) request();
    },
    { rootMargin: "200px" },
  );
  for (const card of cards) observer.observe(card.element);
}

function liveControls(request) {
  const set = (key) => (value) => {
    live[key] = value;
    request();
  };
  const epochs = values.epochs.filter((epoch) => epoch > 0);
  const which = (value) => set("which")(["trained", "untrained"].includes(value) ? value : Number(value));
  const options = [
    ["trained", t("live.trained", { n: values.kept_epoch })],
    ["untrained", t("live.untrained")],
    ...epochs.map((epoch) => [epoch, t("live.epoch", { n: epoch })]),
  ];
  return h(
    "div",
    { class: "panel live-controls" },
    dropDown(t("live.network"), options, live.which, which),
    choice(
      t("live.maps"),
      [
        [false, t("live.after")],
        [true, t("live.before")],
      ],
      live.before,
      set("before"),
    ),
    choice(
      t("live.scale"),
      [
        [false, t("live.scale.layer")],
        [true, t("live.scale.shared")],
      ],
      live.shared,
      set("shared"),
    ),
    h("p", { class: "note" }, t("live.keys")),
  );
}

function halfSections(cards) {
  const layers = values.layers.filter((layer) => layer.kind !== "InputLayer");
  let next = 0;
  return halves(layers).map(([half, members]) =>
    h(
      "section",
      { class: `half ${half}`, "aria-label": t(`half.${half}`) },
      h("h3", {}, t(`half.${half}`)),
      h("p", { class: "note" }, prose(t(`half.${half}.note`))),
      members.map(() => cards[next++].element),
    ),
  );
}

function imageChooser(show, open, invert) {
  const anyOf = h(
    "button",
    { type: "button", onclick: () => show(Math.floor(Math.random() * values.images.length)) },
    t("live.random", { n: values.images.length }),
  );
  const row = [...new Set([0, ...values.samples])].map((index) => thumbnail(index, null, 40, show));
  return panel(
    t("live.choose"),
    h("div", { class: "thumbnails" }, row),
    h(
      "div",
      { class: "buttons" },
      anyOf,
      open,
      h("button", { type: "button", onclick: invert }, t("draw.invert")),
    ),
    h("p", { class: "note", id: "draw-keys" }, t("draw.keys")),
    h("p", { class: "note" }, t("draw.remark")),
  );
}
