// A picture of any size to the pixels that the network takes: what `predict` does with Pillow, to the bit.
// Pictures are {width, height, channels, data}, data uint8 in the order row, column, channel. No DOM here.

const WEIGHT_BITS = 22;

/** Colour to grey as Pillow's `convert("L")` does: ITU-R 601-2 luma in 16 bits. */
function toGrey({ width, height, channels, data }) {
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++) {
    const [r, g, b] = [data[i * channels], data[i * channels + 1], data[i * channels + 2]];
    grey[i] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
  }
  return { width, height, channels: 1, data: grey };
}

/** The first of four channels that a canvas has, without transparency. */
function toColours({ width, height, data }) {
  const colours = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) colours.set(data.subarray(i * 4, i * 4 + 3), i * 3);
  return { width, height, channels: 3, data: colours };
}

/**
 * For each output along one axis, the first input and its weights, as Pillow's `resize` has them for
 * `BILINEAR`: a triangle as wide as the reduction, in whole numbers of 22 bits.
 */
function triangleWeights(from, to) {
  const scale = from / to;
  const support = Math.max(1, scale);
  return Array.from({ length: to }, (_, output) => {
    const centre = (output + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const raw = [];
    for (let i = first; i < end; i++) raw.push(Math.max(0, 1 - Math.abs((i - centre + 0.5) / support)));
    const sum = raw.reduce((a, b) => a + b, 0);
    const weights = raw.map((weight) => Math.trunc(0.5 + (weight / sum) * 2 ** WEIGHT_BITS));
    return { first, weights };
  });
}

/**
 * Resize one axis of (outer, steps, inner) numbers: `inner` is how many lie side by side, a pixel's channels
 * for the width, a whole row for the height.
 */
function resampleAxis(data, from, to, inner) {
  if (from === to) return data;
  const outer = data.length / (from * inner);
  const output = new Uint8Array(outer * to * inner);
  triangleWeights(from, to).forEach(({ first, weights }, place) => {
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        let sum = 2 ** (WEIGHT_BITS - 1);
        const start = (o * from + first) * inner + i;
        for (let k = 0; k < weights.length; k++) sum += data[start + k * inner] * weights[k];
        output[(o * to + place) * inner + i] = Math.min(255, Math.floor(sum / 2 ** WEIGHT_BITS));
      }
    }
  });
  return output;
}

/** Pillow 13's `resize(..., BILINEAR)`: one axis, then the other, each rounded to whole levels. */
function resize(picture, width, height) {
  const { channels } = picture;
  const across = (data) => resampleAxis(data, picture.width, width, channels);
  const down = (data, row) => resampleAxis(data, picture.height, height, row * channels);
  // Where the height shrinks by far more than the width, Pillow begins with it.
  const tall = height < picture.height && picture.height - height > 2 * (picture.width - width);
  const data = tall ? across(down(picture.data, picture.width)) : down(across(picture.data), width);
  return { width, height, channels, data };
}

/** Centred on black, the aspect ratio kept; rounded as Python rounds. */
function padTo(picture, width, height) {
  const scale = Math.min(height / picture.height, width / picture.width);
  const inner = resize(
    picture,
    Math.max(1, roundHalfEven(picture.width * scale)),
    Math.max(1, roundHalfEven(picture.height * scale)),
  );
  const data = new Uint8Array(width * height * picture.channels);
  const left = Math.floor((width - inner.width) / 2);
  const top = Math.floor((height - inner.height) / 2);
  const row = inner.width * picture.channels;
  for (let y = 0; y < inner.height; y++) {
    data.set(inner.data.subarray(y * row, (y + 1) * row), ((top + y) * width + left) * picture.channels);
  }
  return { width, height, channels: picture.channels, data };
}

function roundHalfEven(x) {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

/**
 * A canvas' pixels as the network's input.
 * @param picture four channels (red, green, blue, opacity), opaque
 * @param shape [height, width, channels] of the input
 * @param way "stretch" or "pad", as `data.resize`
 */
function preprocess(picture, [height, width, channels], way) {
  const flat = channels === 1 ? toGrey({ ...picture, channels: 4 }) : toColours(picture);
  if (flat.width === width && flat.height === height) return flat.data;
  return (way === "stretch" ? resize : padTo)(flat, width, height).data;
}

/** Light and dark exchanged. */
function inverted(pixels) {
  return pixels.map((level) => 255 - level);
}
