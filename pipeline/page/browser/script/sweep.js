// The page of a sweep.

// For the browser's console, and for this project's tests.
window.filterscope = { values, pins };
pinFirst();
start({ trade, side, runs });
