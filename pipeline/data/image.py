"""One image file, of whatever kind a user has, as the pixels that the network takes.

Bytes in, an array and an account of what was changed out.
"""

import io
import re
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from pipeline.base.arrays import Array
from pipeline.base.errors import InputError
from pipeline.base.files import open_regular, read_bytes

# Pillow's modes of grey with 16 bits; "I" has 32 but is what it makes of some 16-bit files.
DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I")
# Of colours with 16 bits Pillow keeps the upper bytes; read in the other order of bytes, the lower ones.
DEEP_COLOUR = re.compile(r"(LA|RGB|RGBA|RGBX);16([BLN])")
OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
# The largest values of 8, 10, 12, 14 and 16 bits: a 16-bit file seldom uses them all.
DEEP_RANGES = (0xFF, 0x3FF, 0xFFF, 0x3FFF, 0xFFFF)
MAX_DEEP = DEEP_RANGES[-1]
UPRIGHT = 1
# Raster formats alone: for PostScript, say, Pillow starts another program. Named in docs/own-data.md.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF")
# Of these, those that may have 16 bits.
DEEP_FORMATS = ("PNG", "TIFF", "PPM")
# Of one file; photographs have a few MB.
MAX_BYTES = 512 * 2**20


class UnreadableImageError(InputError):
    """The content of one file is no image, or is damaged."""


@dataclass(frozen=True)
class Decoded:
    """One image.

    Attributes:
        pixels: (H, W, C) uint8.
        changes: a sentence on each change to the file's own pixels, in order.
        size: height and width of the file's own, upright.
    """

    pixels: Array
    changes: list[str]
    size: tuple[int, int]


def kind(change: str) -> str:
    """A change without the numbers of this image: "stretched", "turned upright"."""
    return re.split(r" from | \(", change)[0]


def decode(
    content: bytes, name: str, input_shape: tuple[int, int, int], *, resize: str, deep_range: int = MAX_DEEP
) -> Decoded:
    """Decode an image file and bring it to the size and channels of the network's input.

    Args:
        content: the bytes of a file of one of the `FORMATS`; of an animation, the first image.
        name: of the file, for the error.
        input_shape: (H, W, C) wanted, C 1 (grey) or 3 (colour).
        resize: "stretch" to fill H x W, or "pad" to keep the aspect ratio, centred on black.
        deep_range: the value of a 16-bit file that becomes white, as do those above it.

    Raises:
        UnreadableImageError: the content is no image, truncated, damaged, or deeper than 16 bits.
    """
    height, width, channels = input_shape
    image, colours = _opened(content, name)
    narrowed = None
    if colours is not None or image.mode in DEEP_GREY:
        narrowed = "16 bits to 8" + (f" (0 to {deep_range})" if deep_range < MAX_DEEP else "")
    if colours is not None and deep_range < MAX_DEEP:
        pixels = np.array(image)
        pixels[..., :3] = _eight_bits(colours, deep_range)
        # In place, so that its metadata stay.
        image.paste(Image.fromarray(pixels))
    upright, turned = _upright(image)
    flat, converted = _converted(upright, "L" if channels == 1 else "RGB", name, deep_range)
    fitted, resized = _fitted(flat, height, width, resize)
    changes = [words for words in (turned, narrowed, converted, resized) if words]
    return Decoded(np.asarray(fitted).reshape(input_shape), changes, (upright.height, upright.width))


def read(
    path: Path, name: str, input_shape: tuple[int, int, int], *, resize: str, deep_range: int = MAX_DEEP
) -> Decoded:
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
    return decode(content, name, input_shape, resize=resize, deep_range=deep_range)


def largest_deep_value(path: Path) -> int | None:
    """The largest value of a 16-bit file; None for any other, of which the header alone is read."""
    try:
        with open_regular(path) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = Image.open(stream, formats=DEEP_FORMATS)
            if header.mode not in DEEP_GREY and _deep_colour(header) is None:
                return None
        image, colours = _opened(read_bytes(path, MAX_BYTES), path.name)
        values = _deep_grey(image, path.name) if colours is None else colours
    # Whatever is wrong with it is told when it is decoded.
    except Exception:
        return None
    return int(values.max())


def range_of(largest: int) -> int:
    """The smallest of `DEEP_RANGES` that holds a value of 16 bits."""
    return next(end for end in DEEP_RANGES if largest <= end)


def _opened(content: bytes, name: str) -> tuple[Image.Image, Array | None]:
    """The image; if it has 16-bit colours, of which it keeps the upper bytes, also their values (H, W, 3)."""
    colours = None
    try:
        with warnings.catch_warnings():
            # Odd metadata and large scans are no concern of ours; what cannot be read raises.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            raw_mode = _deep_colour(image)
            image.load()
            if raw_mode is not None:
                colours = np.asarray(image)[..., :3] * np.int64(256) + _lower_bytes(content, raw_mode)
    except MemoryError:
        raise InputError(f"out of memory while reading {name}; end other programs, or leave it out") from None
    # Each of Pillow's decoders raises what it likes: OSError, SyntaxError, ValueError, struct.error, ...
    except Exception as error:
        reason = _reason(content, error)
        raise UnreadableImageError(f"{name} cannot be read as an image: {reason}") from None
    return image, colours


def _deep_colour(image: ImageFile.ImageFile) -> str | None:
    """Pillow's raw mode of an image that is not decoded yet, if that is 16-bit colour."""
    given = image.tile[0].args if image.tile else None
    raw_mode = given[0] if isinstance(given, tuple) and given else given
    return raw_mode if isinstance(raw_mode, str) and DEEP_COLOUR.fullmatch(raw_mode) else None


def _lower_bytes(content: bytes, raw_mode: str) -> Array:
    image = Image.open(io.BytesIO(content), formats=FORMATS)
    # For grey with transparency there is no other order: the four bytes of a pixel as they are.
    grey = raw_mode.startswith("LA")
    other = "RGBA" if grey else raw_mode[:-1] + OTHER_ORDER[raw_mode[-1]]
    for place, tile in enumerate(image.tile):
        args = (other, *tile.args[1:]) if isinstance(tile.args, tuple) else other
        image.tile[place] = tile._replace(args=args)
    return np.asarray(image)[..., 1:2] if grey else np.asarray(image)[..., :3]


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


def _converted(image: Image.Image, mode: str, name: str, deep_range: int) -> tuple[Image.Image, str | None]:
    """The image in mode L (grey) or RGB, and what was changed."""
    if image.mode in DEEP_GREY:
        return Image.fromarray(_eight_bits(_deep_grey(image, name), deep_range)).convert(mode), None
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


def _deep_grey(image: Image.Image, name: str) -> Array:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > MAX_DEEP:
        raise UnreadableImageError(f"{name} cannot be read as an image: its pixels have more than 16 bits")
    return values


def _eight_bits(values: Array, deep_range: int) -> Array:
    # White stays white: 65535 / 257 = 255.
    return np.rint(np.minimum(values, deep_range) / (deep_range / 255)).astype(np.uint8)


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
