// Words in the reader's language, numbers with their units, and what is remembered between visits.

const LANGUAGES = [["en", "English"], ["ko", "한국어"]];
const state = { language: LANGUAGES.map(([code]) => code).find((code) => code === remembered("language")) ?? values.language };

function remembered(key) {
  try {
    return localStorage.getItem(`filterscope.${key}`);
  } catch {
    return null; // Some browsers keep nothing for files.
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(`filterscope.${key}`, value);
  } catch { /* then not */ }
}

/** The words of a key, with its {places} filled in. */
function t(key, parts = {}) {
  return allWords[key][state.language].replace(/\{(\w+)\}/g, (_, name) => parts[name]);
}

/** A whole number with separators between thousands. */
function whole(number) {
  return Math.round(number).toLocaleString("en");
}

/** Three significant digits, with a true minus sign. */
function short(number, digits = 3) {
  if (number === 0) return "0";
  const size = Math.abs(number);
  const text = size >= 1e5 || size < 1e-3 ? size.toExponential(digits - 1) : size.toPrecision(digits);
  return (number < 0 ? "−" : "") + (text.includes("e") ? text.replace("-", "−") : trimmed(text));
}

function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)} %`;
}

/** A difference of shares in percentage points, signed. */
function points(share) {
  const text = Math.abs(100 * share).toFixed(1);
  return t("points", { n: `${text === "0.0" ? "±" : share < 0 ? "−" : "+"}${text}` });
}

function shapeText(shape) {
  return shape.join("×");
}
