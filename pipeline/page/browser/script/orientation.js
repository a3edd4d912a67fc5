// Which way up a WebP file is: Chromium turns JPEG and PNG by their EXIF record, but not WebP.

// White, 2 wide and 1 high, to be turned by 90 degrees: whether a browser does that shows by its size.
const TURNED_WEBP =
  "UklGRlIAAABXRUJQVlA4WAoAAAAIAAAAAQAAAAAAVlA4TBEAAAAvAQAAAAfQ//73v/+BiOh/AABFWElGGgAAAE1NACoAAAAIAAEBEgADAAAAAQAGAAAAAAAA";

// Of a canvas, by EXIF orientation, for a bitmap w wide and h high.
const TURNS = {
  2: (w) => [-1, 0, 0, 1, w, 0],
  3: (w, h) => [-1, 0, 0, -1, w, h],
  4: (w, h) => [1, 0, 0, -1, 0, h],
  5: () => [0, 1, 1, 0, 0, 0],
  6: (w, h) => [0, 1, -1, 0, h, 0],
  7: (w, h) => [0, -1, -1, 0, h, w],
  8: (w) => [0, -1, 1, 0, 0, w],
};

/** The EXIF orientation of a WebP file that this browser does not turn itself; else 1. */
async function orientationLeft(file) {
  const orientation = webpOrientation(await file.arrayBuffer());
  if (orientation === 1) return 1;
  const probe = await createImageBitmap(new Blob([decodeBase64(TURNED_WEBP)], { type: "image/webp" }));
  return probe.height === 2 ? 1 : orientation;
}

/** The EXIF orientation in the bytes of a WebP file; 1 (upright) where there is none, and of other files. */
function webpOrientation(buffer) {
  const view = new DataView(buffer);
  const tag = (place) => String.fromCharCode(...new Uint8Array(buffer, place, 4));
  if (buffer.byteLength < 12 || tag(0) !== "RIFF" || tag(8) !== "WEBP") return 1;
  for (let place = 12; place + 8 <= buffer.byteLength;) {
    const size = view.getUint32(place + 4, true);
    if (tag(place) === "EXIF") return exifOrientation(new Uint8Array(buffer, place + 8).slice(0, size));
    // Chunks begin at even places.
    place += 8 + size + (size % 2);
  }
  return 1;
}

/** The orientation, 1 to 8, in an EXIF record: a TIFF header, then entries of 12 bytes. */
function exifOrientation(bytes) {
  // Some programs write JPEG's marker before the header.
  const start = String.fromCharCode(...bytes.subarray(0, 4)) === "Exif" ? 6 : 0;
  const view = new DataView(bytes.buffer, start);
  const little = view.byteLength > 8 && view.getUint16(0) === 0x4949;
  const first = view.byteLength > 8 ? view.getUint32(4, little) : Infinity;
  const count = first + 2 <= view.byteLength ? view.getUint16(first, little) : 0;
  for (let i = 0; i < count && first + 14 + i * 12 <= view.byteLength; i++) {
    const entry = first + 2 + i * 12;
    if (view.getUint16(entry, little) === 0x0112) {
      const found = view.getUint16(entry + 8, little);
      return found in TURNS ? found : 1;
    }
  }
  return 1;
}
