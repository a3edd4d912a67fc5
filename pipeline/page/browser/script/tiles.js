// Many small pictures of one kind, each a button with its filter's number.

// Pixels of a weight's side: an odd number, so that a dot has a middle to stand in.
const CELL = 5;

/** A canvas of that many pixels, shown with sharp edges. */
function pixelCanvas(width, height, label) {
  return h("canvas", {
    width,
    height,
    class: "pixels",
    ...(label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" }),
  });
}

/**
 * A grid of tiles.
 * @param order numbers of the tiles in the order to show
 * @param tile (number) -> {label, badge, style} words for it
 * @param canvas (number) -> the picture
 * @param choose called with a number when its tile is clicked
 * @param size width of a tile, in CSS pixels, at least
 */
function tileGrid({ label, order, tile, canvas, choose, size = 56 }) {
  const grid = h("div", { class: "tiles", role: "group", "aria-label": label, "--tile": `${size}px` });
  const buttons = new Map();
  for (const number of order) {
    const about = tile(number);
    const button = h(
      "button",
      {
        type: "button",
        class: `tile ${about.style ?? ""}`,
        "aria-label": about.label,
        "data-number": number,
        ...("pressed" in about ? { "aria-pressed": String(about.pressed) } : {}),
        onclick: () => choose(number),
      },
      h("span", { class: "number" }, about.badge ?? String(number)),
      canvas(number),
    );
    buttons.set(number, button);
  }
  grid.append(...buttons.values());
  const list = [...buttons.values()];
  rovingFocus(grid, list, () => columnsOf(list));
  return Object.assign(grid, { buttons });
}

/** An image of the page as a button, which sends it to the live network unless another action is passed. */
function thumbnail(index, words, size = 56, action = sendToLive) {
  const [height, width, channels] = values.shape;
  const canvas = pixelCanvas(width, height);
  paintPixels(canvas, pixelsOf(index), channels);
  const about = values.images[index];
  const label = `${imageWords(about)}: ${values.classes[about.actual]}${values.live ? `. ${t("image.send")}` : ""}`;
  const attributes = { class: "thumbnail", "--tile": `${size}px`, title: label };
  // The name of a button is what stands in it, read in this order.
  const children = [
    canvas,
    words ? h("span", { class: "caption" }, words) : null,
    h("span", { class: "visually-hidden" }, label),
  ];
  if (!values.live) return h("span", attributes, children);
  return h("button", { type: "button", ...attributes, onclick: () => action(index) }, children);
}

/** A kernel's filter as a picture: its slices, one for each input channel, side by side in a square. */
function kernelCanvas({ data, shape }, filter, colours = false, offset = 0) {
  const [height, width, channels] = shape.slice(-4);
  if (colours) return colourKernel({ data, shape }, filter, offset);
  const columns = Math.ceil(Math.sqrt(channels));
  const rows = Math.ceil(channels / columns);
  const [wide, tall] = [width * CELL + 1, height * CELL + 1];
  const canvas = pixelCanvas(columns * wide - 1, rows * tall - 1);
  canvas.classList.add("kernel");
  canvas.show = (scale, source = data, from = offset) => {
    paint(canvas, scale, (i) => {
      const [x, y] = [i % canvas.width, Math.floor(i / canvas.width)];
      const [cx, cy] = [x % wide, y % tall];
      const channel = Math.floor(y / tall) * columns + Math.floor(x / wide);
      if (cx === wide - 1 || cy === tall - 1 || channel >= channels) return NaN;
      return source[from + kernelIndex(shape, Math.floor(cy / CELL), Math.floor(cx / CELL), channel, filter)];
    });
    markBeyond(
      canvas,
      scale,
      (row, column, channel) => source[from + kernelIndex(shape, row, column, channel, filter)],
      { height, width, channels, columns },
    );
  };
  return canvas;
}

/** A white dot on each weight beyond the colour scale, as the product's pictures have a black one. */
function markBeyond(canvas, scale, weight, { height, width, channels, columns }) {
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  for (let i = 0; i < height * width * channels; i++) {
    const [row, column, channel] = [
      Math.floor(i / width) % height,
      i % width,
      Math.floor(i / (height * width)),
    ];
    if (Math.abs(weight(row, column, channel)) <= scale.high) continue;
    const left = (channel % columns) * (width * CELL + 1) + column * CELL;
    const top = Math.floor(channel / columns) * (height * CELL + 1) + row * CELL;
    context.fillRect(left + (CELL - 1) / 2, top + (CELL - 1) / 2, 1, 1);
  }
}

function kernelIndex(shape, row, column, channel, filter) {
  const [, width, channels, filters] = shape.slice(-4);
  return ((row * width + column) * channels + channel) * filters + filter;
}

/** A filter on red, green and blue in the colours that it looks for: grey is a weight of 0. */
function colourKernel({ data, shape }, filter, offset) {
  const [height, width] = shape.slice(-4);
  const canvas = pixelCanvas(width, height);
  canvas.show = (scale, source = data, from = offset) => {
    const pixels = new Uint8ClampedArray(height * width * 3);
    for (let i = 0; i < pixels.length; i++) {
      const weight =
        source[
          from + kernelIndex(shape, Math.floor(i / 3 / width), Math.floor(i / 3) % width, i % 3, filter)
        ];
      pixels[i] = 255 * (0.5 + weight / (2 * scale.high));
    }
    paintPixels(canvas, pixels, 3);
  };
  return canvas;
}
