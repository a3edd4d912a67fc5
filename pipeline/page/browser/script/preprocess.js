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

/** Resize one axis; rows and columns are told apart by their strides alone. */
function resampleAxis(data, count, steps, inputStride, outputStride, unitInput, unitOutput, output) {
  for (let unit = 0; unit < count; unit++) {
    for (let place = 0; place < steps.length; place++) {
      const { first, weights } = steps[place];
      let sum = 2 ** (WEIGHT_BITS - 1);
      for (let i = 0; i < weights.length; i++) sum += data[unitInput(unit) + (first + i) * inputStride] * weights[i];
      output[unitOutput(unit) + place * outputStride] = Math.min(255, Math.floor(sum / 2 ** WEIGHT_BITS));
    }
  }
  return output;
}

/** Pillow's `resize(..., BILINEAR)`: across, then down, each rounded to whole levels. */
function resize(picture, width, height) {
  const { channels } = picture;
  let { data } = picture;
  if (width !== picture.width) {
    const [from, to] = [picture.width * channels, width * channels];
    const start = (stride) => (unit) => Math.floor(unit / channels) * stride + (unit % channels);
    data = resampleAxis(data, picture.height * channels, triangleWeights(picture.width, width), channels, channels,
      start(from), start(to), new Uint8Array(picture.height * to));
  }
  if (height !== picture.height) {
    const row = width * channels;
    const start = (unit) => unit;
    data = resampleAxis(data, row, triangleWeights(picture.height, height), row, row, start, start,
      new Uint8Array(height * row));
  }
  return { width, height, channels, data };
}

/** Centred on black, the aspect ratio kept; rounded as Python rounds. */
function padTo(picture, width, height) {
  const scale = Math.min(height / picture.height, width / picture.width);
  const inner = resize(picture, Math.max(1, roundHalfEven(picture.width * scale)),
    Math.max(1, roundHalfEven(picture.height * scale)));
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
