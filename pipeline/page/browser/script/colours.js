// Colour scales, those of the product's pictures: weights and signed maps from blue over white to red,
// activations that are never negative from white to blue, images of one channel with their ink dark.

const RED_BLUE = [
  [5, 48, 97],
  [33, 102, 172],
  [67, 147, 195],
  [146, 197, 222],
  [209, 229, 240],
  [247, 247, 247],
  [253, 219, 199],
  [244, 165, 130],
  [214, 96, 77],
  [178, 24, 43],
  [103, 0, 31],
];
const BLUES = [
  [247, 251, 255],
  [222, 235, 247],
  [198, 219, 239],
  [158, 202, 225],
  [107, 174, 214],
  [66, 146, 198],
  [33, 113, 181],
  [8, 81, 156],
  [8, 48, 107],
];
const LEVELS = 256;

/** 256 colours (r, g, b) between some anchors (ColorBrewer's), as Matplotlib's `RdBu_r` and `Blues`. */
function colourTable(anchors) {
  const table = new Uint8ClampedArray(LEVELS * 3);
  for (let level = 0; level < LEVELS; level++) {
    const place = (level / (LEVELS - 1)) * (anchors.length - 1);
    const from = Math.min(anchors.length - 2, Math.floor(place));
    for (let k = 0; k < 3; k++) {
      table[level * 3 + k] = anchors[from][k] + (place - from) * (anchors[from + 1][k] - anchors[from][k]);
    }
  }
  return table;
}

const SIGNED = colourTable(RED_BLUE);
const POSITIVE = colourTable(BLUES);

/** Scale of numbers: 0 to the largest when none is negative, else as far to either side of white. */
function scaleOf(...arrays) {
  let low = 0;
  let high = 0;
  for (const numbers of arrays) {
    for (const number of numbers) {
      if (number < low) low = number;
      if (number > high) high = number;
    }
  }
  const largest = Math.max(high, -low) || 1;
  return low < 0 ? signedScale(largest) : { low: 0, high: largest, table: POSITIVE };
}

function signedScale(limit) {
  return { low: -limit, high: limit, table: SIGNED };
}

function levelOf(number, { low, high }) {
  return Math.max(0, Math.min(LEVELS - 1, Math.floor(((number - low) / (high - low)) * LEVELS)));
}

function cssColour(number, scale) {
  const level = levelOf(number, scale) * 3;
  return `rgb(${scale.table[level]} ${scale.table[level + 1]} ${scale.table[level + 2]})`;
}

/** Black or white, whichever reads better on a colour of the scale. */
function inkOn(number, scale) {
  const level = levelOf(number, scale) * 3;
  const linear = [0, 1, 2].map((k) => {
    const value = scale.table[level + k] / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return luminance > 0.179 ? "#000" : "#fff";
}

const frames = new WeakMap();

/** A canvas' pixels to write to, kept from one drawing to the next. */
function frameOf(canvas, context) {
  const kept = frames.get(canvas);
  if (kept?.width === canvas.width && kept?.height === canvas.height) return kept;
  const fresh = context.createImageData(canvas.width, canvas.height);
  frames.set(canvas, fresh);
  return fresh;
}

/** Draw numbers as pixels: `number(i)` for the i-th of them, row by row; NaN leaves its pixel clear. */
function paint(canvas, scale, number) {
  const context = canvas.getContext("2d");
  const image = frameOf(canvas, context);
  const { data } = image;
  const factor = LEVELS / (scale.high - scale.low);
  for (let i = 0, j = 0; j < data.length; i++, j += 4) {
    const value = number(i);
    if (Number.isNaN(value)) continue;
    const level = Math.max(0, Math.min(LEVELS - 1, Math.floor((value - scale.low) * factor))) * 3;
    data[j] = scale.table[level];
    data[j + 1] = scale.table[level + 1];
    data[j + 2] = scale.table[level + 2];
    data[j + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** Draw an image's pixels: one channel with its ink dark, three as they are. */
function paintPixels(canvas, pixels, channels) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  for (let i = 0, j = 0; j < image.data.length; i += channels, j += 4) {
    for (let k = 0; k < 3; k++) image.data[j + k] = channels === 1 ? 255 - pixels[i] : pixels[i + k];
    image.data[j + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** A bar with the scale's ends and its middle named. */
function colourBar(scale, unit) {
  const canvas = h("canvas", { width: LEVELS, height: 1, "aria-hidden": "true" });
  const ends = h("div", { class: "ends" });
  const bar = h("div", { class: "colour-bar" }, h("span", { class: "unit" }, unit), canvas, ends);
  bar.show = (now) => {
    paint(canvas, now, (i) => now.low + ((i + 0.5) / LEVELS) * (now.high - now.low));
    const marks = now.low < 0 ? [now.low, 0, now.high] : [now.low, now.high];
    ends.replaceChildren(...marks.map((mark) => h("span", {}, short(mark, 2))));
  };
  bar.show(scale);
  return bar;
}
