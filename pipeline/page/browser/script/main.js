// Everything in its place, in the reader's language and colours.

const PARTS = { overview, learning, results, weights: weightsPart, live: livePart, truth: truthPart };

function showAll() {
  document.documentElement.lang = state.language;
  document.title = t("title", { name: values.name });
  for (const element of document.querySelectorAll("[data-words]"))
    element.textContent = t(element.dataset.words, { name: values.name });
  for (const element of document.querySelectorAll("[data-label]"))
    element.setAttribute("aria-label", t(element.dataset.label));
  for (const [id, build] of Object.entries(PARTS))
    document.getElementById(id).replaceChildren(...build().filter(Boolean));
  document.querySelectorAll("main h2").forEach((heading) => heading.setAttribute("tabindex", "-1"));
  document.getElementById("settings").replaceChildren(
    choice(t("language"), LANGUAGES, state.language, (language) => {
      state.language = language;
      remember("language", language);
      showAll();
    }),
    choice(
      t("theme"),
      ["auto", "light", "dark"].map((theme) => [theme, t(`theme.${theme}`)]),
      theme(),
      setTheme,
    ),
  );
}

function theme() {
  return document.documentElement.dataset.theme ?? "auto";
}

function setTheme(chosen) {
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  remember("theme", chosen);
  view?.request();
}

/** Say in the list of parts which one is in sight. */
function followParts() {
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const [id, link] of links) link.toggleAttribute("aria-current", id === entry.target.id);
      }
    },
    { rootMargin: "-30% 0px -60% 0px" },
  );
  for (const id of links.keys()) observer.observe(document.getElementById(id));
}

document.querySelector("main").append(tip);
setTheme(remembered("theme") ?? "auto");
showAll();
followParts();
// For the browser's console, and for this project's tests.
window.filterscope = {
  values,
  arrayOf,
  trainedNetwork,
  buildNetwork,
  run,
  receptiveField,
  convolutionTerms,
  preprocess,
  live,
  strokes: () => view.surface.strokes,
  colours: { SIGNED, POSITIVE },
};
document.documentElement.dataset.ready = "true";
