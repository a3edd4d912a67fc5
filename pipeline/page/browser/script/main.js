// The page of a run.

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
document.addEventListener("themed", () => view?.request());
start({ overview, learning, results, weights: weightsPart, live: livePart, check: checkPart });
