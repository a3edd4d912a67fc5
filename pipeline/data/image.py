"""One image file, of whatever kind a user has, as the pixels that the network takes.

Bytes in, an array and an account of what was changed out.
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from pipeline.base.arrays import Array
from pipeline.base.errors import InputError
from pipeline.base.files import read_bytes

# Pillow's modes of grey with 16 bits; "I" has 32 but is what it makes of some 16-bit files.
DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I")
UPRIGHT = 1
# Raster formats alone: for PostScript, say, Pillow starts another program. Named in docs/own-data.md.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF")
# Of one file; photographs have a few MB.
MAX_BYTES = 512 * 2**20


class UnreadableImageError(InputError):
    """The content of one file is no image, or is damaged."""


@dataclass(frozen=True)
class Decoded:
    """One image: its pixels (H, W, C) uint8, and a sentence on each change to the file's own, in order."""

    pixels: Array
    changes: list[str]


def decode(content: bytes, name: str, input_shape: tuple[int, int, int], *, resize: str) -> Decoded:
    """Decode an image file and bring it to the size and channels of the network's input.

    Args:
        content: the bytes of a file of one of the `FORMATS`; of an animation, the first image.
        name: of the file, for the error.
        input_shape: (H, W, C) wanted, C 1 (grey) or 3 (colour).
        resize: "stretch" to fill H x W, or "pad" to keep the aspect ratio, centred on black.

    Raises:
        UnreadableImageError: the content is no image, truncated, damaged, or deeper than 16 bits.
    """
    height, width, channels = input_shape
    image = _opened(content, name)
    upright, turned = _upright(image)
    flat, converted = _converted(upright, "L" if channels == 1 else "RGB", name)
    fitted, resized = _fitted(flat, height, width, resize)
    changes = [words for words in (turned, converted, resized) if words]
    return Decoded(np.asarray(fitted).reshape(input_shape), changes)


def read(path: Path, name: str, input_shape: tuple[int, int, int], *, resize: str) -> Decoded:
    """Read and `decode` an image file.

    Raises:
        UnreadableImageError: as `decode`, or the file cannot be read, is none, or is too large.
        InputError: out of memory, which says nothing of the file.
    """
    try:
        content = read_bytes(path, MAX_BYTES)
    except FileNotFoundError:
        raise UnreadableImageError(f"{name} cannot be read as an image: it is not there") from None
    except InputError as error:
        raise UnreadableImageError(f"{name} cannot be read as an image: {error}") from None
    return decode(content, name, input_shape, resize=resize)


def _opened(content: bytes, name: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Odd metadata and large scans are no concern of ours; what cannot be read raises.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            image.load()
    except MemoryError:
        raise InputError(f"out of memory while reading {name}; end other programs, or leave it out") from None
    # Each of Pillow's decoders raises what it likes: OSError, SyntaxError, ValueError, struct.error, ...
    except Exception as error:
        reason = _reason(content, error)
        raise UnreadableImageError(f"{name} cannot be read as an image: {reason}") from None
    return image


def _reason(content: bytes, error: Exception) -> str:
    if content[4:8] == b"ftyp" and b"hei" in content[8:40]:
        return "a HEIC photo; convert it to JPEG (heif-convert), and set the phone to 'most compatible'"
    if isinstance(error, UnidentifiedImageError):
        return f"not an image of a kind that is read ({', '.join(FORMATS)})"
    return str(error) or "damaged"


def _upright(image: Image.Image) -> tuple[Image.Image, str | None]:
    orientation = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    if orientation not in range(UPRIGHT + 1, 9):
        return image, None
    return ImageOps.exif_transpose(image), f"turned upright (EXIF orientation {orientation})"


def _converted(image: Image.Image, mode: str, name: str) -> tuple[Image.Image, str | None]:
    """The image in mode L (grey) or RGB, and what was changed."""
    if image.mode in DEEP_GREY:
        return _eight_bits(image, name).convert(mode), "16 bits to 8"
    if image.mode == "F":
        raise UnreadableImageError(
            f"{name} cannot be read as an image: its pixels are floats, expected integers"
        )
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert(mode), "transparency on white"
    if image.mode == mode:
        return image, None
    # Through RGB: a palette's own grey levels would else be those of its numbers.
    return image.convert("RGB").convert(mode), f"{image.mode} to {mode}"


def _eight_bits(image: Image.Image, name: str) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise UnreadableImageError(f"{name} cannot be read as an image: its pixels have more than 16 bits")
    # 257 = 65535 / 255: white stays white.
    return Image.fromarray(np.rint(values / 257).astype(np.uint8))


def _fitted(image: Image.Image, height: int, width: int, resize: str) -> tuple[Image.Image, str | None]:
    """The image in that size, and what was changed."""
    if image.size == (width, height):
        return image, None
    sizes = f"{image.height}×{image.width} to {height}×{width} pixels"
    # Unlike the sharper filters, this one invents no values beyond those of the image.
    bilinear = Image.Resampling.BILINEAR
    if resize == "stretch":
        return image.resize((width, height), bilinear), f"stretched from {sizes}"
    scale = min(height / image.height, width / image.width)
    inner = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    padded = Image.new(image.mode, (width, height))
    padded.paste(image.resize(inner, bilinear), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return padded, f"padded from {sizes}"
