// The value that is looked at: its map enlarged, how it comes about, what its filter is worth.

class Inspector {
  constructor({ inspect, toggle, request }) {
    Object.assign(this, { inspect, toggle, request, shown: null });
    this.title = h("h3", {});
    this.map = pixelCanvas(1, 1);
    this.markElement = h("span", { class: "pixel-mark" });
    this.large = h(
      "div",
      { class: "large-map", tabindex: "0", role: "application", "aria-label": t("inspector.map") },
      this.map,
      this.markElement,
    );
    this.body = h("div");
    this.about = h("div");
    // Where it would stand below everything else, it sticks to the window's lower edge, folded.
    const folded = matchMedia("(max-width: 860px)").matches;
    this.element = h(
      "details",
      { class: "panel inspector", open: !folded },
      h("summary", {}, this.title),
      h("p", { class: "note" }, t("inspector.hint")),
      this.large,
      this.body,
      this.about,
    );
    this.listen();
  }

  listen() {
    const point = (event) => this.inspect({ ...live.place, ...pixelAt(event, this.map) });
    for (const kind of ["pointermove", "pointerdown"]) this.large.addEventListener(kind, point);
    this.large.addEventListener("keydown", (event) => {
      const step = arrowStep(event);
      if (!step) return;
      event.preventDefault();
      this.inspect(moved(live.place, step));
    });
  }

  /** Tell of the value at `live.place` in a network that has run. */
  show(network) {
    const { place } = live;
    const there = place.depth < network.runnable;
    if (!there) {
      this.title.textContent = t("inspector");
      this.large.hidden = true;
      this.body.replaceChildren(h("p", { class: "note" }, t("live.no.dense")));
    } else {
      const step = network.steps[place.depth];
      this.title.textContent = `${placeWords(step, place)} = ${short(step.output[indexOf(step, place)])}`;
      this.enlarge(network, step);
      this.body.replaceChildren(
        ...derivation(network, place, live.channel, (channel) => {
          live.channel = channel;
          this.request();
        }),
      );
    }
    this.showFilter(there ? network.steps[place.depth] : null);
  }

  enlarge(network, step) {
    const { map, markElement } = this;
    this.large.hidden = step.output_shape.length === 1;
    if (this.large.hidden) return;
    const { place } = live;
    const [rows, columns, channels] = step.output_shape;
    if (map.width !== columns || map.height !== rows) Object.assign(map, { width: columns, height: rows });
    const shown = shownValues(step);
    paint(map, groupScale(network, place.depth), (i) => shown[i * channels + place.channel]);
    Object.assign(
      markElement.style,
      percentages(
        { top: place.row, bottom: place.row + 1, left: place.column, right: place.column + 1 },
        rows,
        columns,
      ),
    );
  }

  /** Of a convolution's filter: a switch, what it is worth, what excites it; built anew for another filter only. */
  showFilter(step) {
    const { channel } = live.place;
    const filter = step?.kind === "Conv2D" ? channel : null;
    const off = filter !== null && switchedOff(step, filter);
    const key = filter === null ? "" : `${step.name} ${filter} ${off}`;
    if (key === this.shown) return;
    this.shown = key;
    if (filter === null) return this.about.replaceChildren();
    const button = h(
      "button",
      { type: "button", "aria-pressed": String(off), onclick: () => this.toggle(step.name, filter) },
      t(off ? "filter.on" : "filter.off", { n: filter }),
    );
    this.about.replaceChildren(
      h("div", { class: "buttons" }, button),
      filterFacts(step, filter),
      patches(step, filter),
    );
  }
}

/** A part of a picture of that height and width as the style of something laid over it. */
function percentages({ top, bottom, left, right }, height, width) {
  const share = (part, size) => `${(100 * part) / size}%`;
  return {
    top: share(top, height),
    left: share(left, width),
    height: share(bottom - top, height),
    width: share(right - left, width),
  };
}

/** Frame on the image what the value that is looked at depends on, as far as it lies in the image. */
function markField(surface, network) {
  const mark = surface.querySelector(".field-mark");
  const { depth, row, column } = live.place;
  const [height, width] = values.shape;
  const field = receptiveField(network, depth, row, column);
  const clip = (value, size) => Math.max(0, Math.min(size, value));
  const part = {
    top: clip(field.top, height),
    bottom: clip(field.bottom, height),
    left: clip(field.left, width),
    right: clip(field.right, width),
  };
  mark.hidden = part.bottom <= part.top || part.right <= part.left;
  Object.assign(mark.style, percentages(part, height, width));
}
