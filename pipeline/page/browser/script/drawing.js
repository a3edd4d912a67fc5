// Drawing on the network's input with mouse, finger, pen or keys; opening and pasting pictures.

// The strokes' canvas has some of its pixels for each of the input's, so that lines are smooth.
const STROKE_PIXELS = 280;
const OPAQUE = 255;

/** Shows an image as the network takes it, and is drawn on. */
class Surface {
  /** @param changed called after every change of the pixels, with words for where they are from */
  constructor(changed) {
    const [height, width] = values.shape;
    this.changed = changed;
    this.fine = Math.max(1, Math.floor(STROKE_PIXELS / Math.max(height, width)));
    this.strokes = h("canvas", { width: width * this.fine, height: height * this.fine });
    this.context = this.strokes.getContext("2d", { willReadFrequently: true });
    this.canvas = pixelCanvas(width, height);
    this.penMark = h("span", { class: "pen-mark", hidden: true });
    this.element = h(
      "div",
      {
        class: "surface",
        tabindex: "0",
        role: "application",
        "aria-label": t("draw.label"),
        "aria-describedby": "draw-keys",
      },
      this.canvas,
      h("span", { class: "field-mark", hidden: true }),
      this.penMark,
    );
    this.pen = {
      size: Math.max(1, Math.round(Math.max(height, width) / 14)),
      erases: false,
      ink: "#000000",
      down: false,
      last: null,
    };
    this.cursor = { x: width / 2, y: height / 2 };
    this.undoable = [];
    this.update = atNextFrame(() => this.drawn());
    this.listen();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      this.begin();
      this.lineTo(this.placeOf(event));
      this.dragged = true;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.dragged) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) this.lineTo(this.placeOf(each));
    });
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, () => {
        this.dragged = false;
      });
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("blur", () => {
      this.penMark.hidden = true;
    });
  }

  /** Where the pointer is, in pixels of the input. */
  placeOf(event) {
    const box = this.canvas.getBoundingClientRect();
    const [height, width] = values.shape;
    return {
      x: ((event.clientX - box.left) / box.width) * width,
      y: ((event.clientY - box.top) / box.height) * height,
    };
  }

  /** Begin a stroke on what there is. */
  begin() {
    this.undoable.push(this.pixels);
    this.base = this.pixels;
    this.pen.last = null;
    this.context.fillStyle = "black";
    this.context.fillRect(0, 0, this.strokes.width, this.strokes.height);
  }

  lineTo({ x, y }) {
    const { context, fine, pen } = this;
    const from = pen.last ?? { x, y };
    Object.assign(context, { strokeStyle: "white", lineCap: "round", lineWidth: pen.size * fine });
    context.beginPath();
    context.moveTo(from.x * fine, from.y * fine);
    // A line of no length would leave nothing.
    context.lineTo(x * fine + 0.01, y * fine);
    context.stroke();
    pen.last = { x, y };
    this.update();
  }

  /** The stroke so far, through the reduction that `predict` gives to a file of the same picture. */
  drawn() {
    const { width, height } = this.strokes;
    const { data } = this.context.getImageData(0, 0, width, height);
    const [rows, columns, channels] = values.shape;
    const cover = preprocess({ width, height, data }, [rows, columns, 1], "stretch");
    const ink = inkLevels(this.pen);
    this.set(
      this.base.map((level, i) => {
        const share = cover[Math.floor(i / channels)] / OPAQUE;
        return Math.round(level + (ink[i % channels] - level) * share);
      }),
      t("draw.source"),
    );
  }

  set(pixels, words) {
    this.pixels = pixels;
    paintPixels(this.canvas, pixels, values.shape[2]);
    this.changed(pixels, words);
  }

  /** Show an image to draw on. */
  show(pixels) {
    this.pixels = pixels.slice();
    this.undoable = [];
    paintPixels(this.canvas, this.pixels, values.shape[2]);
  }

  clear() {
    this.undoable.push(this.pixels);
    this.set(new Uint8Array(this.pixels.length).fill(values.background), t("draw.paper"));
  }

  invert() {
    this.undoable.push(this.pixels);
    this.set(inverted(this.pixels), t("draw.inverted"));
  }

  undo() {
    if (this.undoable.length) this.set(this.undoable.pop(), t("draw.source"));
  }

  key(event) {
    const step = arrowStep(event);
    if (step) this.moveCursor(step);
    else if (event.key === " " || event.key === "Enter") this.liftOrLower();
    else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.undo();
    else return;
    event.preventDefault();
    this.showPen();
  }

  moveCursor([down, across]) {
    const [height, width] = values.shape;
    const { cursor } = this;
    cursor.x = Math.max(0.5, Math.min(width - 0.5, cursor.x + across));
    cursor.y = Math.max(0.5, Math.min(height - 0.5, cursor.y + down));
    if (this.pen.down) this.lineTo(cursor);
  }

  liftOrLower() {
    this.pen.down = !this.pen.down;
    if (!this.pen.down) return;
    this.begin();
    this.lineTo(this.cursor);
  }

  showPen() {
    const [height, width] = values.shape;
    this.penMark.hidden = false;
    this.penMark.classList.toggle("down", this.pen.down);
    this.penMark.style.left = `${(100 * this.cursor.x) / width}%`;
    this.penMark.style.top = `${(100 * this.cursor.y) / height}%`;
  }
}

/** The pen's levels by channel: grey ink is what is far from the paper. */
function inkLevels({ erases, ink }) {
  const channels = values.shape[2];
  if (erases) return Array(channels).fill(values.background);
  if (channels === 1) return [values.background < 128 ? OPAQUE : 0];
  return [1, 3, 5].map((at) => parseInt(ink.slice(at, at + 2), 16));
}

/** Buttons below the surface: pen, eraser, size, colour, undo, clear. */
function drawingTools(surface) {
  const { pen } = surface;
  const size = h("input", {
    type: "range",
    min: 1,
    max: Math.max(4, Math.round(Math.max(...values.shape.slice(0, 2)) / 4)),
    step: 1,
    value: pen.size,
    oninput: () => {
      pen.size = Number(size.value);
    },
  });
  const colour =
    values.shape[2] === 3
      ? h(
          "label",
          { class: "field" },
          h("span", {}, t("draw.colour")),
          h("input", {
            type: "color",
            value: pen.ink,
            oninput: (event) => {
              pen.ink = event.target.value;
            },
          }),
        )
      : null;
  const button = (key, action) => h("button", { type: "button", onclick: action }, t(key));
  return h(
    "div",
    { class: "tools" },
    choice(
      t("draw.tool"),
      [
        [false, t("draw.pen")],
        [true, t("draw.eraser")],
      ],
      pen.erases,
      (erases) => {
        pen.erases = erases;
      },
    ),
    h("label", { class: "field" }, h("span", {}, t("draw.size")), size),
    colour,
    h(
      "div",
      { class: "buttons" },
      button("draw.clear", () => surface.clear()),
      button("draw.undo", () => surface.undo()),
    ),
  );
}

/** A picture's file as pixels of the network, and words for what was done to it. */
async function openPicture(file) {
  // Colours as the file has them, upright as the camera says: as Pillow opens it.
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = bitmap;
  const turn = await orientationLeft(file);
  const canvas = h("canvas", turn < 5 ? { width, height } : { width: height, height: width });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (turn > 1) context.setTransform(...TURNS[turn](width, height));
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const pixels = preprocess(
    { width: canvas.width, height: canvas.height, data },
    values.shape,
    values.resize,
  );
  const words = t(`open.${values.resize}`, {
    name: file.name || t("open.pasted"),
    size: `${canvas.height}×${canvas.width}`,
    input: `${values.shape[0]}×${values.shape[1]}`,
  });
  return { pixels, words };
}

/** Open, drop or paste a picture; `use(pixels, words)` gets it, `refuse(words)` what could not be read. */
function pictureSources(target, use, refuse) {
  const read = async (file) => {
    try {
      const { pixels, words } = await openPicture(file);
      use(pixels, words);
    } catch {
      refuse(t("open.failed", { name: file.name || t("open.pasted") }));
    }
  };
  const input = h("input", {
    type: "file",
    accept: "image/*",
    class: "visually-hidden",
    onchange: () => input.files[0] && read(input.files[0]),
  });
  const pictureIn = (list) => [...(list ?? [])].find((file) => file.type.startsWith("image/"));
  target.addEventListener("dragover", (event) => event.preventDefault());
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = pictureIn(event.dataTransfer.files);
    if (file) read(file);
  });
  const paste = (event) => {
    if (!target.isConnected) return document.removeEventListener("paste", paste);
    const file = pictureIn(event.clipboardData?.files);
    if (file) read(file);
  };
  document.addEventListener("paste", paste);
  return h("label", { class: "button file" }, t("open"), input);
}
