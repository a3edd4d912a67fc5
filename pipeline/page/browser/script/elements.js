// Elements of the page. Text goes in as text, never as HTML: a class may be called `<img onerror=...>`.

function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Words with terms in brackets, `[kernel]` or `[kernels|kernel]`, which explain themselves. */
function prose(text) {
  return text
    .split(/(\[[^\]]+\])/)
    .filter(Boolean)
    .map((part) => {
      if (!part.startsWith("[")) return part;
      const [shown, term] = part.slice(1, -1).split("|");
      return termButton(shown, term ?? shown);
    });
}

function termButton(shown, term) {
  const button = h("button", { type: "button", class: "term", "aria-describedby": "tip" }, shown);
  const show = () => showTip(button, t(`term.${term}`));
  for (const event of ["focus", "pointerenter", "click"]) button.addEventListener(event, show);
  for (const event of ["blur", "pointerleave"]) button.addEventListener(event, hideTip);
  return button;
}

const tip = h("div", { id: "tip", role: "tooltip", hidden: true });

function showTip(target, text) {
  tip.textContent = text;
  tip.hidden = false;
  const place = target.getBoundingClientRect();
  const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
  tip.style.left = `${Math.max(8, Math.min(room, place.left)) + scrollX}px`;
  const above = place.top - tip.offsetHeight - 6;
  tip.style.top = `${(above > 0 ? above : place.bottom + 6) + scrollY}px`;
}

function hideTip() {
  tip.hidden = true;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideTip();
});

/** A part of the page: heading, three sentences for its reader, and what it shows. */
function part(id, ...children) {
  const intro = h("p", { class: "intro" }, prose(t(`${id}.intro`)));
  return [h("h2", { id: `${id}-heading` }, t(`${id}.title`)), intro, ...children];
}

function panel(title, ...children) {
  return h("div", { class: "panel" }, title ? h("h3", {}, title) : null, ...children);
}

/** A few choices of which one holds: buttons side by side. */
function choice(label, options, chosen, choose) {
  const buttons = options.map(([value, words]) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(value === chosen),
        onclick: () => {
          for (const [i, [other]] of options.entries())
            buttons[i].setAttribute("aria-pressed", String(other === value));
          choose(value);
        },
      },
      words,
    ),
  );
  return h(
    "div",
    { class: "choice", role: "group", "aria-label": label },
    h("span", { class: "choice-label", "aria-hidden": "true" }, label),
    buttons,
  );
}

function dropDown(label, options, chosen, choose) {
  const select = h(
    "select",
    { onchange: () => choose(select.value) },
    options.map(([value, words]) =>
      h("option", { value, selected: String(value) === String(chosen) }, words),
    ),
  );
  return h("label", { class: "field" }, h("span", {}, label), select);
}

/** Name and value in rows. */
function facts(rows) {
  return h(
    "dl",
    { class: "facts" },
    rows.map(([name, ...value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

/** Call once at the next frame, however often it is asked for before. */
function atNextFrame(action) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      action();
    });
  };
}

/** Move the one tab stop among some elements by arrow keys; `columns()` tells how many stand in a row. */
function rovingFocus(container, elements, columns) {
  elements.forEach((element, i) => element.setAttribute("tabindex", i === 0 ? "0" : "-1"));
  container.addEventListener("focusin", (event) => {
    const now = elements.indexOf(event.target);
    if (now >= 0) elements.forEach((element, i) => element.setAttribute("tabindex", i === now ? "0" : "-1"));
  });
  container.addEventListener("keydown", (event) => {
    const now = elements.indexOf(document.activeElement);
    if (now < 0 || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() };
    const ends = { Home: 0, End: elements.length - 1 };
    const next = event.key in ends ? ends[event.key] : now + (steps[event.key] ?? NaN);
    if (!(next >= 0 && next < elements.length)) return;
    event.preventDefault();
    elements[next].focus();
  });
}

/** How many elements of a grid stand in its first row. */
function columnsOf(elements) {
  const top = elements[0]?.offsetTop;
  const next = elements.findIndex((element) => element.offsetTop !== top);
  return next < 0 ? elements.length : next;
}
