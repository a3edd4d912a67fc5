// The network's arithmetic. Maps are float32 arrays in the order row, column, channel; a layer is defined by
// its kind and its configuration, never by its name. No DOM here.

const ACTIVATIONS = {
  linear: (x) => x,
  relu: (x) => (x > 0 ? x : 0),
  sigmoid,
  tanh: Math.tanh,
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  gelu: (x) => 0.5 * x * complementaryError(-x * Math.SQRT1_2),
  silu: (x) => x * sigmoid(x),
};

function sigmoid(x) {
  return 1 / (1 + Math.exp(-x));
}

/**
 * 1 - erf(x), with a relative error below 1.2e-7 everywhere.
 * Press et al., Numerical recipes, 3rd ed., 2007, section 6.2.2.
 */
function complementaryError(x) {
  const z = Math.abs(x);
  const t = 2 / (2 + z);
  const series = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196,
    1.00002368, -1.26551223,
  ];
  const polynomial = series.reduce((sum, coefficient) => sum * t + coefficient);
  const value = t * Math.exp(-z * z + polynomial);
  return x >= 0 ? value : 2 - value;
}

/** Which pixels a window sees along one axis: how many outputs, and how many of padding come before. */
function windowPlaces(size, window, stride, padding) {
  if (padding !== "same") return { outputs: Math.floor((size - window) / stride) + 1, before: 0 };
  const outputs = Math.ceil(size / stride);
  // As TensorFlow pads: the odd pixel comes after.
  return { outputs, before: Math.floor(Math.max(0, (outputs - 1) * stride + window - size) / 2) };
}

/** A layer's windows: {height, width, down, across, strides, shape} with the output's `shape`. */
function windowsOf(layer) {
  const [height, width] = layer.config.kernel_size ?? layer.config.pool_size;
  const [rows, columns] = layer.input_shape;
  const [vertical, horizontal] = layer.config.strides;
  return {
    height,
    width,
    strides: [vertical, horizontal],
    down: windowPlaces(rows, height, vertical, layer.config.padding),
    across: windowPlaces(columns, width, horizontal, layer.config.padding),
  };
}

/**
 * A network that can run.
 * @param layers descriptions, the input's first
 * @param variable (layer, "kernel" or "bias") -> Float32Array, or null where it is not known
 */
function buildNetwork(layers, variable) {
  const steps = layers
    .filter((layer) => layer.kind !== "InputLayer")
    .map((layer) => {
      const size = layer.output_shape.reduce((a, b) => a * b, 1);
      const activation = layer.config.activation ?? "linear";
      const weighted = layer.kind === "Conv2D" || layer.kind === "Dense";
      return {
        ...layer,
        activation,
        kernel: weighted ? variable(layer, "kernel") : null,
        bias: weighted ? variable(layer, "bias") : null,
        output: new Float32Array(size),
        before: activation === "linear" ? null : new Float32Array(size),
      };
    });
  const lacking = steps.findIndex(
    (step) => step.kernel === null && (step.kind === "Conv2D" || step.kind === "Dense"),
  );
  return {
    steps,
    input: new Float32Array(layers[0].output_shape.reduce((a, b) => a * b, 1)),
    complete: lacking < 0,
    runnable: lacking < 0 ? steps.length : lacking,
  };
}

/** Run pixels (uint8) through the network at once. */
function run(network, pixels, off = new Map()) {
  for (const _ of passes(network, pixels, off)) {
    /* all of it */
  }
  return network;
}

/**
 * Run pixels through the network, pausing after every part of a layer, so that a slow network need not
 * hold up the pen.
 * @param off names of convolutions -> sets of filters whose output is zero
 */
function* passes(network, pixels, off = new Map()) {
  for (let i = 0; i < pixels.length; i++) network.input[i] = Math.fround(pixels[i] / 255);
  let input = network.input;
  for (const step of network.steps.slice(0, network.runnable)) {
    const linear = step.before ?? step.output;
    yield* LAYERS[step.kind](step, input, linear);
    if (step.before) activate(step);
    if (off.has(step.name)) switchOff(step, off.get(step.name));
    input = step.output;
    yield;
  }
}

function activate(step) {
  if (step.activation === "softmax") return softmax(step.before, step.output);
  const activation = ACTIVATIONS[step.activation];
  const { before, output } = step;
  for (let i = 0; i < output.length; i++) output[i] = activation(before[i]);
}

function softmax(logits, output) {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b);
  for (let i = 0; i < output.length; i++) output[i] = powers[i] / sum;
}

function switchOff(step, filters) {
  const count = step.output_shape[2];
  for (const filter of filters) {
    for (let i = filter; i < step.output.length; i += count) step.output[i] = 0;
  }
}

const LAYERS = {
  Conv2D: convolve,
  MaxPooling2D: takeLargest,
  AveragePooling2D: takeMean,
  LocalResponseNormalization: normalize,
  Flatten: copy,
  Dropout: copy,
  Dense: connect,
};

function* copy(step, input, output) {
  output.set(input);
}

/** Rows of the output between two pauses: some millions of products. */
function rowsAtOnce(products) {
  return Math.max(1, Math.floor(2e6 / products));
}

function* convolve(step, input, output) {
  const { height, width, strides, down, across } = windowsOf(step);
  const [rows, columns, channels] = step.input_shape;
  const filters = step.config.filters;
  const { kernel, bias } = step;
  const sums = new Float64Array(filters);
  const pause = rowsAtOnce(across.outputs * height * width * channels * filters);
  for (let row = 0; row < down.outputs; row++) {
    for (let column = 0; column < across.outputs; column++) {
      sums.set(bias);
      for (let i = 0; i < height; i++) {
        const y = row * strides[0] - down.before + i;
        if (y < 0 || y >= rows) continue;
        for (let j = 0; j < width; j++) {
          const x = column * strides[1] - across.before + j;
          if (x < 0 || x >= columns) continue;
          const from = (y * columns + x) * channels;
          const weights = (i * width + j) * channels * filters;
          for (let c = 0; c < channels; c++)
            addProducts(sums, input[from + c], kernel, weights + c * filters);
        }
      }
      output.set(sums, (row * across.outputs + column) * filters);
    }
    if ((row + 1) % pause === 0) yield;
  }
}

/** Add a value times each of the neighbouring weights; a value of zero, as ReLU makes many, costs nothing. */
function addProducts(sums, value, weights, first) {
  if (value === 0) return;
  for (let f = 0; f < sums.length; f++) sums[f] += value * weights[first + f];
}

function* connect(step, input, output) {
  const sums = new Float64Array(output.length);
  sums.set(step.bias);
  const pause = rowsAtOnce(output.length);
  for (let i = 0; i < input.length; i++) {
    addProducts(sums, input[i], step.kernel, i * output.length);
    if ((i + 1) % pause === 0) yield;
  }
  output.set(sums);
}

/** Call `use(output index, input index)` for each pixel inside of each window, channel by channel. */
function forWindows(step, use) {
  const { height, width, strides, down, across } = windowsOf(step);
  const [rows, columns, channels] = step.input_shape;
  for (let row = 0; row < down.outputs; row++) {
    for (let column = 0; column < across.outputs; column++) {
      const to = (row * across.outputs + column) * channels;
      const top = row * strides[0] - down.before;
      const left = column * strides[1] - across.before;
      for (let y = Math.max(0, top); y < Math.min(rows, top + height); y++) {
        for (let x = Math.max(0, left); x < Math.min(columns, left + width); x++) {
          const from = (y * columns + x) * channels;
          for (let c = 0; c < channels; c++) use(to + c, from + c);
        }
      }
    }
  }
}

function* takeLargest(step, input, output) {
  output.fill(-Infinity);
  forWindows(step, (to, from) => {
    if (input[from] > output[to]) output[to] = input[from];
  });
}

function* takeMean(step, input, output) {
  const sums = new Float64Array(output.length);
  const counts = new Uint32Array(output.length);
  forWindows(step, (to, from) => {
    sums[to] += input[from];
    counts[to]++;
  });
  for (let i = 0; i < output.length; i++) output[i] = sums[i] / counts[i];
}

const NEIGHBOURS = 2;

/** Each value divided by (2 + 1e-4 * sum of squares over 5 neighbouring channels) ** 0.75. */
function* normalize(step, input, output) {
  const channels = step.input_shape[2];
  for (let i = 0; i < input.length; i++) {
    output[i] = input[i] / (2 + 1e-4 * neighbourSquares(input, i, channels)) ** 0.75;
  }
}

function neighbourSquares(input, index, channels) {
  const channel = index % channels;
  const first = index - Math.min(NEIGHBOURS, channel);
  const last = index + Math.min(NEIGHBOURS, channels - 1 - channel);
  let sum = 0;
  for (let i = first; i <= last; i++) sum += input[i] * input[i];
  return sum;
}

/** Class probabilities after a pass. */
function probabilitiesOf(network) {
  return network.steps.at(-1).output;
}

/** Index of the largest value. */
function indexOfLargest(numbers) {
  return numbers.reduce((best, value, i) => (value > numbers[best] ? i : best), 0);
}
