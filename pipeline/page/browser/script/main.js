window.filterscope = { values, arrayOf, buildNetwork, run, receptiveField, preprocess };
