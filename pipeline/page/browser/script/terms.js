// How one value of one layer comes about, and which pixels of the image it depends on. No DOM here.

/** The part of the image, in pixels, that one place of a layer depends on; it may reach beyond the image. */
function receptiveField(network, depth, row, column) {
  const flat = network.steps.findIndex((step) => step.kind === "Flatten");
  const [height, width] = network.steps[0].input_shape;
  if (flat >= 0 && depth > flat) return { top: 0, bottom: height, left: 0, right: width };
  let field = { top: row, bottom: row + 1, left: column, right: column + 1 };
  for (let i = depth; i >= 0; i--) {
    const step = network.steps[i];
    if (!(step.config.kernel_size ?? step.config.pool_size)) continue;
    const { height: tall, width: wide, strides, down, across } = windowsOf(step);
    field = {
      top: field.top * strides[0] - down.before,
      bottom: (field.bottom - 1) * strides[0] - down.before + tall,
      left: field.left * strides[1] - across.before,
      right: (field.right - 1) * strides[1] - across.before + wide,
    };
  }
  return field;
}

/** What goes into a layer of a network that has run. */
function inputOf(network, depth) {
  return depth === 0 ? network.input : network.steps[depth - 1].output;
}

/** Where an index of a layer's output lies: {row, column, channel}; vectors have channels only. */
function placeOf(step, index) {
  if (step.output_shape.length === 1) return { row: 0, column: 0, channel: index };
  const [, columns, channels] = step.output_shape;
  const position = Math.floor(index / channels);
  return { row: Math.floor(position / columns), column: position % columns, channel: index % channels };
}

function indexOf(step, { row, column, channel }) {
  if (step.output_shape.length === 1) return channel;
  const [, columns, channels] = step.output_shape;
  return (row * columns + column) * channels + channel;
}

/**
 * The terms of one convolution's value: for each input channel the window's cells {value, weight, product,
 * inside} row by row, and their sum; the bias; the total before the activation, and the value after it.
 */
function convolutionTerms(network, depth, { row, column, channel }) {
  const step = network.steps[depth];
  const input = inputOf(network, depth);
  const { height, width, strides, down, across } = windowsOf(step);
  const [rows, columns, channels] = step.input_shape;
  const filters = step.config.filters;
  const sums = Array.from({ length: channels }, (_, c) => {
    const cells = [];
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const y = row * strides[0] - down.before + i;
        const x = column * strides[1] - across.before + j;
        const inside = y >= 0 && y < rows && x >= 0 && x < columns;
        const value = inside ? input[(y * columns + x) * channels + c] : 0;
        const weight = step.kernel[((i * width + j) * channels + c) * filters + channel];
        cells.push({ value, weight, product: value * weight, inside });
      }
    }
    return { cells, sum: cells.reduce((sum, cell) => sum + cell.product, 0) };
  });
  const total = sums.reduce((sum, part) => sum + part.sum, 0);
  const before = total + step.bias[channel];
  return { width, channels: sums, total, bias: step.bias[channel], before, ...ending(step, before) };
}

/** What the activation makes of a sum. */
function ending(step, before) {
  return { activation: step.activation, output: ACTIVATIONS[step.activation](before) };
}

/** The cells of one pooling window: {value, inside, chosen}, row by row. */
function poolingTerms(network, depth, { row, column, channel }) {
  const step = network.steps[depth];
  const input = inputOf(network, depth);
  const { height, width, strides, down, across } = windowsOf(step);
  const [rows, columns, channels] = step.input_shape;
  const cells = [];
  for (let i = 0; i < height * width; i++) {
    const y = row * strides[0] - down.before + Math.floor(i / width);
    const x = column * strides[1] - across.before + (i % width);
    const inside = y >= 0 && y < rows && x >= 0 && x < columns;
    cells.push({ value: inside ? input[(y * columns + x) * channels + channel] : 0, inside });
  }
  const there = cells.filter((cell) => cell.inside).map((cell) => cell.value);
  const largest = step.kind === "MaxPooling2D";
  const output = largest ? Math.max(...there) : there.reduce((a, b) => a + b) / there.length;
  const first = cells.findIndex((cell) => cell.inside && cell.value === output);
  return { width, cells, largest, chosen: largest ? first : -1, count: there.length, output };
}

/** The neighbouring channels whose squares a value is divided by. */
function normalizationTerms(network, depth, place) {
  const step = network.steps[depth];
  const input = inputOf(network, depth);
  const channels = step.input_shape[2];
  const index = indexOf(step, place);
  const first = Math.max(0, place.channel - NEIGHBOURS);
  const last = Math.min(channels - 1, place.channel + NEIGHBOURS);
  const near = [];
  for (let c = first; c <= last; c++) near.push({ channel: c, value: input[index - place.channel + c] });
  const sum = neighbourSquares(input, index, channels);
  return { value: input[index], near, sum, divisor: (2 + 1e-4 * sum) ** 0.75, output: step.output[index] };
}

/** The products of one dense unit, largest size first; for softmax also all units' powers. */
function denseTerms(network, depth, { channel }) {
  const step = network.steps[depth];
  const input = inputOf(network, depth);
  const units = step.config.units;
  const terms = Array.from(input, (value, i) => ({ i, value, weight: step.kernel[i * units + channel] }));
  for (const term of terms) term.product = term.value * term.weight;
  const total = terms.reduce((sum, term) => sum + term.product, 0);
  const before = total + step.bias[channel];
  terms.sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  const known = { terms, total, bias: step.bias[channel], before, activation: step.activation };
  if (step.activation !== "softmax") return { ...known, ...ending(step, before) };
  const powers = Array.from(step.before, (logit) => Math.exp(logit));
  const sum = powers.reduce((a, b) => a + b);
  return { ...known, power: powers[channel], powers: sum, output: step.output[channel] };
}
