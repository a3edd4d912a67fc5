// Drawing on the network's input with mouse, finger, pen or keys; opening and pasting pictures.

// The strokes' canvas has some of its pixels for each of the input's, so that lines are smooth.
const STROKE_PIXELS = 280;
const OPAQUE = 255;

/**
 * The surface that shows an image as the network takes it, and on which one draws.
 * @param changed called after every change of the pixels, with words for where they are from
 */
function drawingSurface(changed) {
  const [height, width, channels] = values.shape;
  const fine = Math.max(1, Math.floor(STROKE_PIXELS / Math.max(height, width)));
  const strokes = h("canvas", { width: width * fine, height: height * fine });
  const context = strokes.getContext("2d", { willReadFrequently: true });
  const shown = pixelCanvas(width, height);
  const surface = h("div", { class: "surface", tabindex: "0", role: "application", "aria-label": t("draw.label"), "aria-describedby": "draw-keys" }, shown, h("span", { class: "field-mark", hidden: true }), h("span", { class: "pen-mark", hidden: true }));
  const pen = { size: Math.max(1, Math.round(Math.max(height, width) / 14)), erases: false, ink: "#000000", last: null, cursor: { x: width / 2, y: height / 2 }, down: false };
  const now = { pixels: new Uint8Array(width * height * channels), base: null, strokes, undo: [] };

  const paper = () => new Uint8Array(width * height * channels).fill(values.background);

  /** Everything drawn so far, through the reduction that `predict` gives to a file of the same picture. */
  const update = atNextFrame(() => {
    const { data } = context.getImageData(0, 0, strokes.width, strokes.height);
    const cover = preprocess({ width: strokes.width, height: strokes.height, data }, [height, width, 1], "stretch");
    const ink = inkLevels(pen);
    now.pixels = now.base.map((level, i) => {
      const share = cover[Math.floor(i / channels)] / OPAQUE;
      return Math.round(level + (ink[i % channels] - level) * share);
    });
    paintPixels(shown, now.pixels, channels);
    changed(now.pixels, t("draw.source"));
  });

  const begin = () => {
    now.undo.push(now.pixels);
    now.base = now.pixels;
    context.fillStyle = "black";
    context.fillRect(0, 0, strokes.width, strokes.height);
  };

  /** A line to a place, in pixels of the input. */
  const line = (x, y) => {
    const from = pen.last ?? { x, y };
    context.strokeStyle = "white";
    context.lineCap = "round";
    context.lineWidth = pen.size * fine;
    context.beginPath();
    context.moveTo(from.x * fine, from.y * fine);
    context.lineTo(x * fine + 0.01, y * fine);
    context.stroke();
    pen.last = { x, y };
    update();
  };

  const placeOn = (event) => {
    const box = shown.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * width, y: ((event.clientY - box.top) / box.height) * height };
  };
  shown.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    shown.setPointerCapture(event.pointerId);
    begin();
    pen.last = null;
    const { x, y } = placeOn(event);
    line(x, y);
    pen.drags = true;
  });
  shown.addEventListener("pointermove", (event) => {
    if (!pen.drags) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) {
      const { x, y } = placeOn(each);
      line(x, y);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) shown.addEventListener(end, () => { pen.drags = false; });
  surface.addEventListener("keydown", (event) => drawByKey(event, { pen, width, height, begin, line, clear: () => clear(), undo: () => undo() }, surface));
  surface.addEventListener("blur", () => { surface.querySelector(".pen-mark").hidden = true; });

  const show = (pixels) => {
    now.pixels = pixels.slice();
    now.undo = [];
    paintPixels(shown, now.pixels, channels);
  };
  const clear = () => {
    now.undo.push(now.pixels);
    now.pixels = paper();
    paintPixels(shown, now.pixels, channels);
    changed(now.pixels, t("draw.paper"));
  };
  const undo = () => {
    if (!now.undo.length) return;
    now.pixels = now.undo.pop();
    paintPixels(shown, now.pixels, channels);
    changed(now.pixels, t("draw.source"));
  };
  const invert = () => {
    now.undo.push(now.pixels);
    now.pixels = inverted(now.pixels);
    paintPixels(shown, now.pixels, channels);
    changed(now.pixels, t("draw.inverted"));
  };
  return { element: surface, pen, show, clear, undo, invert, strokes };
}

/** The pen's levels by channel: grey ink is what is far from the paper. */
function inkLevels({ erases, ink }) {
  const channels = values.shape[2];
  if (erases) return Array(channels).fill(values.background);
  if (channels === 1) return [values.background < 128 ? OPAQUE : 0];
  return [1, 3, 5].map((at) => parseInt(ink.slice(at, at + 2), 16));
}

function drawByKey(event, { pen, width, height, begin, line, clear, undo }, surface) {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const { cursor } = pen;
  if (event.key in steps) {
    const [dx, dy] = steps[event.key];
    cursor.x = Math.max(0.5, Math.min(width - 0.5, cursor.x + dx));
    cursor.y = Math.max(0.5, Math.min(height - 0.5, cursor.y + dy));
    if (pen.down) line(cursor.x, cursor.y);
  } else if (event.key === " " || event.key === "Enter") {
    pen.down = !pen.down;
    if (pen.down) {
      begin();
      pen.last = null;
      line(cursor.x, cursor.y);
    }
  } else if (event.key === "Delete" || event.key === "Backspace") clear();
  else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
  else return;
  event.preventDefault();
  const mark = surface.querySelector(".pen-mark");
  mark.hidden = false;
  mark.classList.toggle("down", pen.down);
  mark.style.left = `${(100 * cursor.x) / width}%`;
  mark.style.top = `${(100 * cursor.y) / height}%`;
}

/** Buttons below the surface: pen, eraser, size, colour, undo, clear. */
function drawingTools(surface) {
  const { pen } = surface;
  const size = h("input", { type: "range", min: 1, max: Math.max(4, Math.round(Math.max(...values.shape.slice(0, 2)) / 4)), step: 1, value: pen.size, oninput: () => { pen.size = Number(size.value); } });
  const colour = values.shape[2] === 3 ? h("label", { class: "field" }, h("span", {}, t("draw.colour")), h("input", { type: "color", value: pen.ink, oninput: (event) => { pen.ink = event.target.value; } })) : null;
  const button = (key, action) => h("button", { type: "button", onclick: action }, t(key));
  return h("div", { class: "tools" }, choice(t("draw.tool"), [[false, t("draw.pen")], [true, t("draw.eraser")]], pen.erases, (erases) => { pen.erases = erases; }),
    h("label", { class: "field" }, h("span", {}, t("draw.size")), size), colour,
    h("div", { class: "buttons" }, button("draw.clear", surface.clear), button("draw.undo", surface.undo)));
}

/** A picture's file as pixels of the network, and words for what was done to it. */
async function openPicture(file) {
  // Colours as the file has them, upright as the camera says: as Pillow opens it.
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = h("canvas", { width: bitmap.width, height: bitmap.height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const pixels = preprocess({ width: canvas.width, height: canvas.height, data }, values.shape, values.resize);
  const words = t(`open.${values.resize}`, { name: file.name || t("open.pasted"), size: `${bitmap.height}×${bitmap.width}`, input: `${values.shape[0]}×${values.shape[1]}` });
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
  const input = h("input", { type: "file", accept: "image/*", class: "visually-hidden", onchange: () => input.files[0] && read(input.files[0]) });
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
