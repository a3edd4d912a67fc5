// The table of all runs, below each configuration's mean and spread.

const COLUMNS = ["filters", "parameters", "accuracy", "loss", "test", "epoch", "seconds"];

function runs() {
  const { configurations, factors } = values;
  const head = [
    h("th", { scope: "col" }, t("pin")),
    factors.map((name) => h("th", { scope: "col" }, name)),
    COLUMNS.map((name) => h("th", { scope: "col" }, t(`column.${name}`))),
    h("th", { scope: "col" }, t("column.seeds")),
    h("th", { scope: "col", class: "name" }, t("column.experiment")),
  ];
  const table = h(
    "table",
    { class: "classes runs" },
    h("thead", {}, h("tr", {}, head)),
    h("tbody", {}, configurations.map(rowsOf)),
  );
  markPins(table);
  const label = t("runs.title");
  return part(
    "runs",
    h("div", { class: "panel scrolls", tabindex: "0", role: "group", "aria-label": label }, table),
  );
}

/** A configuration's row, and one for each run where there are several. */
function rowsOf(one, c) {
  const [first] = one.runs;
  if (one.runs.length === 1) return row(String(c), one, { seed: `${first.seed}`, name: first.name });
  const members = one.runs.map((run, r) =>
    row(`${c}.${r}`, run, { seed: `${run.seed}`, name: run.name, member: true }),
  );
  return [
    row(String(c), one, { seed: t("column.seeds.n", { n: one.told.seeds }), name: remarks(c) }),
    members,
  ];
}

function row(key, { told }, { seed, name, member = false }) {
  const { label, configuration } = pinnable(key);
  const button = h(
    "button",
    {
      type: "button",
      "data-pin": key,
      onclick: () => togglePin(key, button),
    },
    h("span", { class: "badge" }),
  );
  button.words = t("pin.label", { label });
  const cells = { ...told, epoch: t("column.epoch.of", { n: told.kept_epoch, all: told.epochs }) };
  const swept = configuration.values.map((value) =>
    member ? h("td", {}) : h("th", { scope: "row" }, value),
  );
  return h(
    "tr",
    { class: member ? "member" : "mean" },
    h("td", {}, button),
    swept,
    COLUMNS.map((column) => h("td", {}, cells[column])),
    h("td", {}, seed),
    h("td", { class: "name" }, member || configuration.runs.length === 1 ? h("code", {}, name) : name),
  );
}

function remarks(c) {
  const { best, smallest, axes, configurations } = values;
  return [
    axes[0].front.includes(c) ? t("remark.front") : null,
    c === best ? t("remark.best") : null,
    c === smallest ? t("remark.smallest") : null,
    configurations[c].no_better ? t("remark.no.better") : null,
  ]
    .filter(Boolean)
    .join(", ");
}
