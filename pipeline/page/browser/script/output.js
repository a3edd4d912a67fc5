// The class probabilities, and what the filters that are off cost.

const MAX_BARS = 20;

class Output {
  constructor() {
    const { classes } = values;
    this.words = "";
    this.title = h("p", { class: "predicted" });
    this.head = h("p", { class: "note change-head" }, t("live.change"));
    this.rows = classes.map((name) => new ChanceRow(name));
    this.list = h(
      "ol",
      { class: "chances" },
      this.rows.slice(0, MAX_BARS).map((row) => row.element),
    );
    this.element = h("div", {}, this.title, this.head, this.list);
  }

  /** The probabilities of a network that has run, and their change from one with all filters, if any are off. */
  show(network, whole) {
    this.list.hidden = !network.complete;
    this.head.hidden = !whole || !network.complete;
    this.title.classList.toggle("warm", !network.complete);
    if (network.complete) this.compare(probabilitiesOf(network), whole && probabilitiesOf(whole));
    else this.words = t("live.no.probabilities");
    this.title.textContent = this.words;
  }

  compare(now, was) {
    const best = indexOfLargest(now);
    this.words = t("live.predicted", { name: values.classes[best], n: chance(now[best]) });
    if (now.length > MAX_BARS) {
      const order = [...now.keys()].sort((a, b) => now[b] - now[a]).slice(0, MAX_BARS);
      this.list.replaceChildren(...order.map((k) => this.rows[k].element));
    }
    this.rows.forEach((row, k) => row.show(now[k], was ? was[k] : null, k === best));
  }
}

/** A class: its name, its probability as a bar and a number, and its change. */
class ChanceRow {
  constructor(name) {
    this.value = h("span", { class: "value" });
    this.change = h("span", { class: "change" });
    const track = h("span", { class: "track" }, h("span", { class: "fill" }), h("span", { class: "was" }));
    this.element = h("li", {}, h("span", { class: "class-name" }, name), track, this.value, this.change);
  }

  show(now, was, best) {
    this.element.style.setProperty("--share", now);
    this.element.style.setProperty("--was", was ?? now);
    this.element.classList.toggle("best", best);
    this.element.classList.toggle("compared", was !== null);
    this.value.textContent = chance(now);
    this.change.textContent = was === null ? "" : signed(now - was);
  }
}

/** Which filters are off, what each alone costs on the validation images, and a button to have all back. */
function offRows(request) {
  const rows = [...live.off].flatMap(([name, filters]) =>
    [...filters].map((filter) => {
      const about = values.filters[name];
      return h(
        "li",
        {},
        t("off.row", {
          layer: name,
          n: filter,
          lost: points(-about.accuracy_lost[filter]),
          images: whole(about.accuracy_images),
        }),
      );
    }),
  );
  if (!rows.length) return [h("p", { class: "note" }, t("off.none"))];
  return [
    h("h4", {}, t("off.title", { n: rows.length })),
    h("ul", {}, rows),
    h("p", { class: "note" }, t("off.note")),
    h(
      "button",
      {
        type: "button",
        onclick: () => {
          live.off.clear();
          request();
        },
      },
      t("off.all"),
    ),
  ];
}
