// What the sweep found, and its picture: accuracy against what a configuration costs or what was swept.

const PLOT_HEIGHT = 360;
// Beyond the outermost points, so that neither they nor their labels are cut.
const PLOT_SIDE = 26;
// From this ratio on numbers are spread logarithmically.
const MANY_TIMES = 8;
const LETTER_WIDTH = 6.4;
// Pixels from which a point is meant.
const REACH = 24;
const MAX_SERIES = 6;

function trade() {
  return part("trade", answerTiles(), missing(), new Scatter().element);
}

/** The jobs that have no results, and whatever else is not here. */
function missing() {
  if (!values.problems.length) return null;
  const coded = (line) => line.split("`").map((text, i) => (i % 2 ? h("code", {}, text) : text));
  return panel(
    t("missing"),
    h(
      "ul",
      { class: "missing" },
      values.problems.map((line) => h("li", {}, coded(line))),
    ),
  );
}

function answerTiles() {
  const { configurations, best, jobs, uncertain } = values;
  const runs = configurations.flatMap((one) => one.runs);
  const tile = (name, value, ...notes) =>
    h(
      "div",
      { class: "score" },
      h("span", { class: "name" }, name),
      h("strong", {}, value),
      notes.map((note) => h("span", { class: "note" }, note)),
    );
  const all = tile(
    t("trade.runs"),
    t("trade.runs.of", { n: runs.length, all: jobs }),
    t("trade.runs.note", { n: configurations.length, swept: values.factors.join(", ") }),
  );
  if (best === null) return h("div", { class: "scores" }, tile(t("trade.best"), "–", t("trade.other")), all);
  const top = configurations[best];
  return h(
    "div",
    { class: "scores" },
    tile(t("trade.best"), top.label, sizeWords(top), scoreWords(top), uncertain ? t("trade.uncertain") : []),
    enoughTile(tile, top),
    all,
  );
}

/** How little is as good as the best, as far as anybody knows. */
function enoughTile(tile, top) {
  const { configurations, smallest, as_good: near, cost } = values;
  if (smallest !== null) {
    const least = configurations[smallest];
    const note = least === top ? t("trade.enough.itself") : sizeWords(least);
    return tile(t(`trade.enough.${cost}`), least.label, note, scoreWords(least));
  }
  if (!near.length) return tile(t("trade.enough"), t("trade.unknown"), t("trade.one.seed"));
  const others = near.map((c) => configurations[c].label).filter((label) => label !== top.label);
  return tile(t("trade.enough"), others.join("; ") || t("trade.enough.none"));
}

function sizeWords({ told }) {
  return t("size", told);
}

function scoreWords({ told }) {
  return t(told.seeds === "1" ? "scores.one" : "scores.seeds", told);
}

/** Words for a configuration (or one of its runs) as a point. */
function pointWords(key) {
  const { label, told } = pinnable(key);
  return `${label}: ${scoreWords({ told })}; ${sizeWords({ told })}${told.seconds ? `, ${t("seconds", { n: told.seconds })}` : ""}`;
}

/** Points to point at and to pin; each a configuration, or a run where these are chosen. */
class Scatter {
  constructor() {
    const several = values.configurations.some((one) => one.runs.length > 1);
    const differing = values.axes.filter((axis) => new Set(axis.places).size > 1);
    this.axes = differing.length ? differing : values.axes.slice(0, 1);
    this.axis = this.axes[0];
    this.single = false;
    this.plot = responsive(h("div", { class: "plot scatter" }), (width) => this.drawn(width));
    this.legend = h("p", { class: "legend" });
    this.note = h("p", { class: "note" });
    const against = dropDown(
      t("trade.against"),
      this.axes.map((axis) => [axis.name, axisName(axis)]),
      this.axis.name,
      (name) => {
        this.axis = this.axes.find((axis) => axis.name === name);
        this.show();
      },
    );
    const units = [
      [false, t("trade.means")],
      [true, t("trade.single")],
    ];
    const unit = several
      ? choice(t("trade.points"), units, false, (single) => {
          this.single = single;
          this.show();
        })
      : null;
    this.element = panel(
      t("trade.plot"),
      h("div", { class: "controls" }, against, unit),
      h("p", { class: "unit" }, t("trade.unit")),
      this.plot,
      this.legend,
      this.note,
    );
    this.show();
  }

  show() {
    this.plot.redraw();
    const key = (style, words) => h("span", { class: `key ${style}` }, words);
    const spread = values.configurations.some((one) => one.deviation !== null);
    this.legend.replaceChildren(
      ...[
        key("point", t(this.single ? "trade.key.run" : spread ? "trade.key.mean" : "trade.key.one")),
        !this.single && spread ? key("seed", t("trade.key.seed")) : null,
        this.axis.front?.length ? key("front", t("trade.key.front", { cost: axisName(this.axis) })) : null,
        values.enough === null ? null : key("limit", t("trade.key.enough", { n: values.enough.toFixed(4) })),
      ].filter(Boolean),
    );
    const unknown = this.axis.places.filter((place) => place === null).length;
    const notes = [
      unknown ? t("trade.without", { n: unknown }) : null,
      this.joined().length ? t("trade.joined") : null,
    ];
    this.note.textContent = notes.filter(Boolean).join(" ");
  }

  /** Every point: {key, x, y, deviation, front}, from left to right. */
  points() {
    const { places, front = [], name } = this.axis;
    const found = values.configurations.flatMap((one, c) => {
      if (!this.single)
        return {
          key: String(c),
          x: places[c],
          y: one.accuracy,
          deviation: one.deviation,
          front: front.includes(c),
        };
      return one.runs.map((run, r) => ({
        key: `${c}.${r}`,
        x: this.runPlace(run, c),
        y: run.accuracy,
        front: false,
      }));
    });
    return found.filter(({ x }) => x !== null).sort((a, b) => a.x - b.x || a.y - b.y);
  }

  /** Its own seconds, else what its configuration has. */
  runPlace(run, c) {
    return this.axis.name === "seconds" ? run.seconds : this.axis.places[c];
  }

  /** Lists of configurations that differ in the chosen value alone, where it has an order and they are few. */
  joined() {
    const { axis } = this;
    if (this.single || !["number", "list"].includes(axis.kind)) return [];
    const others = values.axes.filter((other) => other.texts && other !== axis);
    const lists = new Map();
    axis.places.forEach((_, c) => {
      const name = JSON.stringify(others.map((other) => other.texts[c]));
      lists.set(name, [...(lists.get(name) ?? []), c]);
    });
    return lists.size > MAX_SERIES ? [] : [...lists.values()].filter((list) => list.length > 1);
  }

  /** From a place on the axis to pixels, with the ticks that find room. */
  across(width) {
    const { axis } = this;
    const known = axis.places.filter((place) => place !== null);
    const runs = this.single ? this.points().map((point) => point.x) : [];
    let [low, high] = [Math.min(...known, ...runs), Math.max(...known, ...runs)];
    const spread = axis.kind === "cost" || axis.kind === "number";
    const logarithmic = spread && low > 0 && high / low >= MANY_TIMES;
    if (low === high) [low, high] = [low - 1, high + 1];
    const [from, to] = [MARGIN.left + PLOT_SIDE, width - MARGIN.right - PLOT_SIDE];
    const level = logarithmic ? Math.log : (value) => value;
    const scale = (value) => from + ((level(value) - level(low)) / (level(high) - level(low))) * (to - from);
    const levels = [...new Set(known)].sort((a, b) => a - b);
    const room = (to - from) / Math.max(1, levels.length - 1);
    const format = (place) => (spread ? this.tick(place) : shortened(this.tick(place), room));
    const marked = [];
    for (const place of levels) {
      const last = marked.at(-1);
      const wide = (LETTER_WIDTH * (format(place).length + format(last ?? place).length)) / 2 + 8;
      if (last === undefined || scale(place) - scale(last) >= wide) marked.push(place);
    }
    return Object.assign(scale, { ticks: marked, format, logarithmic });
  }

  tick(place) {
    if (this.axis.texts) return this.axis.texts[this.axis.places.indexOf(place)];
    return whole(place);
  }

  /** From an accuracy to pixels, with room for the bars. */
  up() {
    const { configurations, enough } = values;
    const ends = configurations.flatMap((one) => [
      one.accuracy - (one.deviation ?? 0),
      one.accuracy + (one.deviation ?? 0),
      ...one.runs.map((run) => run.accuracy),
    ]);
    if (enough !== null) ends.push(enough);
    const [least, most] = [Math.min(...ends), Math.max(...ends)];
    const room = 0.08 * (most - least || 0.01);
    const [low, high] = [least - room, most + room];
    return linear(
      PLOT_HEIGHT - MARGIN.bottom,
      MARGIN.top + 10,
      low,
      high,
      (v) => short(v, 4),
      ticks(low, high, 5),
    );
  }

  drawn(width) {
    const [x, y] = [this.across(width), this.up()];
    const name = axisName(this.axis);
    const elements = this.points().map((point) => this.pointElement(point, x(point.x), y(point.y), y));
    const drawing = svg(
      "svg",
      { width, height: PLOT_HEIGHT, role: "group", "aria-label": t("trade.plot") },
      axes(width, PLOT_HEIGHT, x, y, { x: x.logarithmic ? t("axis.logarithmic", { name }) : name }),
      this.enoughLine(width, y),
      this.frontLine(width, x, y),
      this.joined().map((list) => this.joinedLine(list, x, y)),
      this.single ? null : this.seeds(x, y),
      elements,
    );
    rovingFocus(drawing, elements, () => 1);
    followPointer(drawing, elements);
    markPins(drawing);
    return drawing;
  }

  enoughLine(width, y) {
    if (values.enough === null) return null;
    const at = y(values.enough);
    return svg("line", { class: "limit", x1: MARGIN.left, x2: width - MARGIN.right, y1: at, y2: at });
  }

  /** Steps: what accuracy a cost buys. */
  frontLine(width, x, y) {
    const front = (this.axis.front ?? []).map((c) => [
      x(this.axis.places[c]),
      y(values.configurations[c].accuracy),
    ]);
    if (!front.length) return null;
    const corners = front.flatMap(([left, top], i) =>
      i ? [`${left},${front[i - 1][1]}`, `${left},${top}`] : [`${left},${top}`],
    );
    return svg("polyline", {
      class: "line front",
      points: [...corners, `${width - MARGIN.right},${front.at(-1)[1]}`].join(" "),
    });
  }

  joinedLine(list, x, y) {
    const places = list.map((c) => [this.axis.places[c], values.configurations[c].accuracy]);
    places.sort((a, b) => a[0] - b[0]);
    return svg("polyline", {
      class: "line joined",
      points: places.map(([a, b]) => `${x(a)},${y(b)}`).join(" "),
    });
  }

  /** Where a configuration has several runs, each of them as a small point. */
  seeds(x, y) {
    return values.configurations.flatMap((one, c) =>
      one.runs.length < 2
        ? []
        : one.runs
            .map((run, r) => [this.runPlace(run, c), run.accuracy, `${c}.${r}`])
            .filter(([place]) => place !== null)
            .map(([place, accuracy, key]) =>
              svg("circle", { class: "seed", "data-mark": key, cx: x(place), cy: y(accuracy), r: 3 }),
            ),
    );
  }

  pointElement({ key, deviation, front, y: accuracy }, left, top, y) {
    const words = pointWords(key);
    const bar = deviation
      ? svg("path", {
          class: "bar",
          d: `M${left - 5} ${y(accuracy - deviation)}h10M${left} ${y(accuracy - deviation)}V${y(accuracy + deviation)}M${left - 5} ${y(accuracy + deviation)}h10`,
        })
      : null;
    const mark = front
      ? svg("path", { class: "mark", d: `M${left} ${top - 8}l8 8l-8 8l-8-8z` })
      : svg("circle", { class: "mark", cx: left, cy: top, r: 6 });
    const element = svg(
      "g",
      {
        class: `point${front ? " front" : ""}`,
        role: "button",
        "data-pin": key,
        onkeydown: (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          togglePin(key, element);
        },
        onfocus: () => showTip(element, words),
        onblur: hideTip,
      },
      svg("circle", { class: "ring", cx: left, cy: top, r: 13 }),
      bar,
      mark,
      svg("text", { class: "badge", x: left + 11, y: top - 9 }),
    );
    return Object.assign(element, { words, left, top });
  }
}

/** Points lie close together: the pointer means the nearest one. */
function followPointer(drawing, elements) {
  let near = null;
  const nearest = (event) => {
    const box = drawing.getBoundingClientRect();
    const distance = ({ left, top }) =>
      Math.hypot(event.clientX - box.left - left, event.clientY - box.top - top);
    const closest = elements.reduce((a, b) => (distance(b) < distance(a) ? b : a));
    return distance(closest) <= REACH ? closest : null;
  };
  const show = (found) => {
    if (found === near) return;
    near?.classList.remove("near");
    near = found;
    near?.classList.add("near");
    if (near) showTip(near, near.words);
    else hideTip();
  };
  drawing.addEventListener("pointermove", (event) => show(nearest(event)));
  drawing.addEventListener("pointerleave", () => show(null));
  drawing.addEventListener("click", (event) => {
    // A click without a pointer, as a screen reader's, has its element alone.
    const found = event.detail ? nearest(event) : event.target.closest(".point");
    if (found) togglePin(found.dataset.pin, found);
  });
}

/** A text of at most so many pixels. */
function shortened(text, pixels) {
  const letters = Math.max(3, Math.floor(pixels / LETTER_WIDTH) - 1);
  return text.length <= letters ? text : `${text.slice(0, letters - 1)}…`;
}

function axisName({ name, kind }) {
  return kind === "cost" ? t(`axis.${name}`) : name;
}
