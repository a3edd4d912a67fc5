// Lines and histograms as SVG, drawn for the width that there is.

/** Draw again when the width changes: `draw(width)` returns the new content. */
function responsive(element, draw) {
  let drawn = 0;
  new ResizeObserver(() => {
    const width = Math.floor(element.clientWidth);
    if (width && width !== drawn) {
      drawn = width;
      element.replaceChildren(...[draw(width)].flat());
    }
  }).observe(element);
  element.redraw = () => {
    if (drawn) element.replaceChildren(...[draw(drawn)].flat());
  };
  return element;
}

/** Some round numbers from low to high. */
function ticks(low, high, count = 4) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((s) => s >= raw);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) found.push(i * step);
  return found;
}

const MARGIN = { left: 46, right: 12, top: 10, bottom: 34 };

function axes(width, height, x, y, names) {
  const bottom = height - MARGIN.bottom;
  return [
    ...y.ticks.map((tick) =>
      svg(
        "g",
        {},
        svg("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(tick), y2: y(tick) }),
        svg("text", { x: MARGIN.left - 6, y: y(tick) + 4, "text-anchor": "end" }, y.format(tick)),
      ),
    ),
    ...x.ticks.map((tick) =>
      svg("text", { x: x(tick), y: bottom + 15, "text-anchor": "middle" }, x.format(tick)),
    ),
    svg("line", { class: "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: bottom, y2: bottom }),
    svg(
      "text",
      {
        class: "axis-name",
        x: (MARGIN.left + width - MARGIN.right) / 2,
        y: height - 3,
        "text-anchor": "middle",
      },
      names.x,
    ),
  ];
}

function linear(from, to, low, high, format = short, wanted = ticks(low, high)) {
  const scale = (value) => from + ((value - low) / (high - low || 1)) * (to - from);
  return Object.assign(scale, { ticks: wanted, format });
}

const LINES_HEIGHT = 220;

/**
 * Lines over the epochs, read by pointer or arrow keys.
 * series: [{name, values, style}], without a name for those that neither the legend nor a dot tells apart;
 * epochs: their places on the axis, the first of a series at the first of them; kept: one that is marked, if
 * any; describe(i): words
 */
class LineChart {
  constructor(given) {
    Object.assign(this, given);
    this.readout = h("p", { class: "readout" });
    this.plot = h("div", {
      class: "plot",
      tabindex: "0",
      role: "slider",
      "aria-label": this.title,
      "aria-valuemin": this.epochs[0],
      "aria-valuemax": this.epochs.at(-1),
    });
    responsive(this.plot, (width) => this.drawn(width));
    const legend = h(
      "p",
      { class: "legend" },
      this.named().map((line) => h("span", { class: `key ${line.style}` }, line.name)),
    );
    this.element = panel(this.title, h("p", { class: "unit" }, this.unit), this.plot, legend, this.readout);
    this.listen();
    this.read(this.kept === undefined ? this.epochs.length - 1 : this.epochs.indexOf(this.kept));
  }

  named() {
    return this.series.filter((line) => line.name);
  }

  listen() {
    this.plot.addEventListener("pointermove", (event) => {
      const width = this.plot.clientWidth - MARGIN.left - MARGIN.right;
      this.read(Math.round(((event.offsetX - MARGIN.left) / width) * (this.epochs.length - 1)));
    });
    this.plot.addEventListener("keydown", (event) => {
      const step = {
        ArrowRight: 1,
        ArrowUp: 1,
        ArrowLeft: -1,
        ArrowDown: -1,
        Home: -Infinity,
        End: Infinity,
      }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      this.read(this.at + step);
    });
  }

  /** Tell the values at one of the epochs. */
  read(index) {
    this.at = Math.max(0, Math.min(this.epochs.length - 1, index));
    const words = this.describe(this.at);
    this.plot.setAttribute("aria-valuenow", this.epochs[this.at]);
    this.plot.setAttribute("aria-valuetext", words);
    this.readout.textContent = words;
    this.plot.redraw();
  }

  drawn(width) {
    const { epochs, series } = this;
    const all = series.flatMap((line) => line.values);
    const named = epochs.filter((_, i) => i % Math.ceil(epochs.length / 12) === 0);
    const bottom = LINES_HEIGHT - MARGIN.bottom;
    const x = linear(MARGIN.left, width - MARGIN.right, epochs[0], epochs.at(-1), whole, named);
    const y = linear(bottom, MARGIN.top, Math.min(...all), Math.max(...all), this.format);
    const rule = (epoch, style) =>
      svg("line", { class: style, x1: x(epoch), x2: x(epoch), y1: MARGIN.top, y2: bottom });
    const line = ({ style, values: numbers }) =>
      svg("polyline", {
        class: `line ${style}`,
        points: numbers.map((v, i) => `${x(epochs[i])},${y(v)}`).join(" "),
      });
    const dot = ({ style, values: numbers }) =>
      svg("circle", { class: `dot ${style}`, cx: x(epochs[this.at]), cy: y(numbers[this.at]), r: 4 });
    return svg(
      "svg",
      { width, height: LINES_HEIGHT, "aria-hidden": "true" },
      axes(width, LINES_HEIGHT, x, y, { x: t("epoch") }),
      this.kept === undefined ? null : rule(this.kept, "kept"),
      rule(epochs[this.at], "cursor"),
      series.map(line),
      // A run that ended before has no value here.
      this.named()
        .filter((one) => this.at < one.values.length)
        .map(dot),
    );
  }
}

/** Counts of numbers in equal bins from low to high; those beyond go into the outermost. */
function countIn(bins, low, high, numbers) {
  const counts = new Uint32Array(bins);
  const factor = bins / (high - low || 1);
  for (const number of numbers)
    counts[Math.max(0, Math.min(bins - 1, Math.floor((number - low) * factor)))]++;
  return counts;
}

/** Distributions over one range: `series` [{name, counts, style}], `limits` marked by dashed lines. */
function histogram({ label, low, high, series, limits = [], height = 180, unit, logarithmic = false }) {
  const largest = Math.max(1, ...series.flatMap((one) => Array.from(one.counts)));
  const top = logarithmic ? Math.log10(largest) + 0.1 : largest;
  const level = (count) => (logarithmic ? (count ? Math.log10(count) + 0.1 : 0) : count);
  const draw = (width) => {
    const x = linear(
      MARGIN.left,
      width - MARGIN.right,
      low,
      high,
      (v) => short(v, 2),
      ticks(low, high, width < 260 ? 2 : 4),
    );
    const wanted = logarithmic
      ? ticks(0, Math.log10(largest), 3).filter(Number.isInteger)
      : ticks(0, largest, 3);
    const y = linear(
      height - MARGIN.bottom,
      MARGIN.top,
      0,
      top,
      (v) => whole(logarithmic ? 10 ** v : v),
      wanted,
    );
    const steps = ({ counts, style }) => {
      const width1 = (high - low) / counts.length;
      const points = Array.from(
        counts,
        (count, i) =>
          `${x(low + i * width1)},${y(level(count))} ${x(low + (i + 1) * width1)},${y(level(count))}`,
      );
      return svg("polygon", {
        class: `area ${style}`,
        points: `${x(low)},${y(0)} ${points.join(" ")} ${x(high)},${y(0)}`,
      });
    };
    const marks = limits
      .filter((value) => value >= low && value <= high)
      .map((value) =>
        svg("line", {
          class: "limit",
          x1: x(value),
          x2: x(value),
          y1: MARGIN.top,
          y2: height - MARGIN.bottom,
        }),
      );
    return svg(
      "svg",
      { width, height, role: "img", "aria-label": label },
      axes(width, height, x, y, { x: unit }),
      series.map(steps),
      marks,
    );
  };
  const place = responsive(h("div", { class: "plot" }), draw);
  const legend = h(
    "p",
    { class: "legend" },
    series.map((one) => h("span", { class: `key ${one.style}` }, one.name)),
  );
  return h("div", { class: "histogram" }, place, legend);
}
