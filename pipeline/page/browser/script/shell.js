// Every part in its place, in the reader's language and colours.

/** Show a page: a function for each of its parts, by the part's name. */
function start(parts) {
  document.querySelector("main").append(tip);
  setTheme(remembered("theme") ?? "auto");
  showAll(parts);
  followParts();
  document.documentElement.dataset.ready = "true";
}

function showAll(parts) {
  document.documentElement.lang = state.language;
  for (const element of document.querySelectorAll("[data-words]"))
    element.textContent = t(element.dataset.words, { name: values.name });
  document.title = document.querySelector("h1").textContent;
  for (const element of document.querySelectorAll("[data-label]"))
    element.setAttribute("aria-label", t(element.dataset.label));
  for (const [id, build] of Object.entries(parts))
    document.getElementById(id).replaceChildren(...build().filter(Boolean));
  document.querySelectorAll("main h2").forEach((heading) => heading.setAttribute("tabindex", "-1"));
  document.getElementById("settings").replaceChildren(
    choice(t("language"), LANGUAGES, state.language, (language) => {
      state.language = language;
      remember("language", language);
      showAll(parts);
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
  document.dispatchEvent(new Event("themed"));
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
