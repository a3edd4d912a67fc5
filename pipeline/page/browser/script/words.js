// Words in the reader's language, numbers with their units, and what is remembered between visits.

const LANGUAGES = [
  ["en", "English"],
  ["ko", "한국어"],
];
const state = {
  language:
    LANGUAGES.map(([code]) => code).find((code) => code === remembered("language")) ?? values.language,
};

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
  } catch {
    /* then not */
  }
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
  const text = size >= 1e5 || size < 1e-3 ? powerOfTen(size, digits) : trimmed(size.toPrecision(digits));
  return (number < 0 ? "−" : "") + text;
}

/** Such as 1.4×10⁻⁷. */
function powerOfTen(size, digits) {
  const [factor, exponent] = size.toExponential(digits - 1).split("e");
  const raised = [...exponent.replace("+", "")].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
  return `${trimmed(factor)}×10${raised}`;
}

function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)} %`;
}

/** A probability, which is never called 0 or 100 % when it is not. */
function chance(probability) {
  if (probability > 0 && probability < 0.0005) return "<0.1 %";
  if (probability < 1 && probability >= 0.9995) return ">99.9 %";
  return percent(probability);
}

/** A difference of shares in percentage points, signed. */
function points(share) {
  return t("points", { n: signed(share) });
}

/** In hundredths, with its sign; ± where rounding leaves nothing. */
function signed(share) {
  const text = Math.abs(100 * share).toFixed(1);
  return `${text === "0.0" ? "±" : share < 0 ? "−" : "+"}${text}`;
}

/** Which image it is: "test image 12". */
function imageWords({ split, index }) {
  return t("image.of", { split: t(`split.${split}`), index });
}

function shapeText(shape) {
  return shape.join("×");
}
