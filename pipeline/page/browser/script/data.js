// What the page holds: JSON values, words, and arrays in base64, each decoded when it is first needed.

const values = JSON.parse(document.getElementById("values").textContent);
const allWords = JSON.parse(document.getElementById("words").textContent);
const decodedArrays = new Map();

function blockOf(name) {
  return document.querySelector(`script[data-name="${CSS.escape(name)}"]`);
}

function hasArray(name) {
  return decodedArrays.has(name) || blockOf(name) !== null;
}

/** A named array: {data, shape}; 16-bit floats become 32-bit ones. */
function arrayOf(name) {
  if (!decodedArrays.has(name)) {
    const block = blockOf(name);
    const bytes = decodeBase64(block.textContent);
    const shape = JSON.parse(block.dataset.shape);
    decodedArrays.set(name, { data: typedArray(bytes, block.dataset.dtype), shape });
    block.remove();
  }
  return decodedArrays.get(name);
}

function decodeBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** Little-endian bytes, as every browser's processor has them. */
function typedArray(bytes, dtype) {
  if (dtype === "uint8") return bytes;
  if (dtype === "int16") return new Int16Array(bytes.buffer);
  if (dtype === "float32") return new Float32Array(bytes.buffer);
  return fromHalves(new Uint16Array(bytes.buffer));
}

/** IEEE 754 binary16 to float32. */
function fromHalves(halves) {
  const result = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) result[i] = fromHalf(halves[i]);
  return result;
}

function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Pixels (H * W * C) uint8 of one of the page's images. */
function pixelsOf(index) {
  const { data, shape } = arrayOf("images");
  const size = shape[1] * shape[2] * shape[3];
  return data.subarray(index * size, (index + 1) * size);
}
