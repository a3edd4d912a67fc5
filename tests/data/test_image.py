"""An image file of any kind becomes the pixels that the network takes, and says how."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, features

from pipeline.data import image as image_module
from pipeline.data.image import Decoded, UnreadableImageError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (4, 6), np.uint8)
COLOUR = RNG.integers(0, 256, (4, 6, 3), np.uint8)
# ITU-R BT.601, the weights of luma
LUMA = np.array([0.299, 0.587, 0.114])


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def decode(image: Image.Image | bytes, shape, resize="stretch", deep_range=65535, **options) -> Decoded:
    content = image if isinstance(image, bytes) else encoded(image, **options)
    return image_module.decode(content, "x.png", shape, resize=resize, deep_range=deep_range)


def deep_png(values: np.ndarray) -> bytes:
    """A PNG of (H, W, C) uint16: 1 grey, 3 colour, 2 and 4 with transparency; Pillow writes grey alone."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def deep_tiff(values: np.ndarray, order: str, *, packed: bool = False) -> bytes:
    """A TIFF of (H, W, 3) uint16 in an order of bytes, "<" or ">"."""
    height, width, _ = values.shape
    data = values.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if packed else data
    bits_at = 8 + 2 + 9 * 12 + 4
    shorts = {256: width, 257: height, 259: 8 if packed else 1, 262: 2, 277: 3, 278: height}
    entries = {tag: struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in shorts.items()}
    entries[258] = struct.pack(f"{order}HHII", 258, 3, 3, bits_at)
    for tag, value in ((273, bits_at + 6), (279, len(data))):
        entries[tag] = struct.pack(f"{order}HHII", tag, 4, 1, value)
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(entries))
    directory = b"".join(entries[tag] for tag in sorted(entries))
    return head + directory + struct.pack(f"{order}I3H", 0, 16, 16, 16) + data


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP"])
def test_grey_pixels_come_through_every_lossless_format(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    decoded = decode(encoded(Image.fromarray(GREY), kind, **options), (4, 6, 1))
    np.testing.assert_array_equal(decoded.pixels[..., 0], GREY)
    assert decoded.pixels.dtype == np.uint8


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif_is_read_where_pillow_can():
    content = encoded(Image.fromarray(np.full((8, 8, 3), 99, np.uint8)), "AVIF")
    np.testing.assert_allclose(decode(content, (8, 8, 3)).pixels, 99, atol=3)


ALPHA = RNG.integers(0, 256, (4, 6, 1), np.uint8)
SHARE = ALPHA / 255
ON_WHITE = COLOUR * SHARE + 255 * (1 - SHARE)
GREY_ON_WHITE = GREY[..., np.newaxis] * SHARE + 255 * (1 - SHARE)


@pytest.mark.parametrize(
    ("image", "expected", "changes"),
    [
        (Image.fromarray(GREY), GREY[..., np.newaxis], []),
        (Image.fromarray(COLOUR), COLOUR, []),
        (Image.fromarray(GREY), np.stack([GREY] * 3, axis=-1), ["L to RGB"]),
        (Image.fromarray(COLOUR), (COLOUR @ LUMA)[..., np.newaxis], ["RGB to L"]),
        (Image.fromarray(GREY > 100), np.where(GREY > 100, 255, 0)[..., np.newaxis], ["1 to L"]),
        (Image.fromarray(np.concatenate([COLOUR, ALPHA], axis=-1)), ON_WHITE, ["transparency on white"]),
        (
            Image.fromarray(np.concatenate([GREY[..., np.newaxis], ALPHA], axis=-1), "LA"),
            GREY_ON_WHITE,
            ["transparency on white"],
        ),
    ],
)
def test_every_mode_becomes_grey_or_colour_and_says_so(image, expected, changes):
    decoded = decode(image, expected.shape)
    np.testing.assert_allclose(decoded.pixels, expected, atol=1)
    assert decoded.changes == changes


@pytest.mark.parametrize("channels", [1, 3])
def test_a_palette_is_replaced_by_its_colours_and_its_transparent_entry_by_white(channels):
    numbers = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    image = Image.fromarray(numbers, "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 9, 9, 9])
    colours = np.array([[255, 0, 0], [0, 255, 0], [9, 9, 9]])
    for transparent in (None, 2):
        expected = colours.copy()
        if transparent is not None:
            expected[transparent] = 255
        options = {} if transparent is None else {"transparency": transparent}
        wanted = expected[numbers] if channels == 3 else (expected[numbers] @ LUMA)[..., np.newaxis]
        np.testing.assert_allclose(decode(image, (2, 3, channels), **options).pixels, wanted, atol=1)


def test_16_bits_are_scaled_to_8_and_white_stays_white():
    deep = np.array([[0, 256, 32896], [65535, 257, 128]], np.uint16)
    decoded = decode(Image.fromarray(deep), (2, 3, 1))
    # v / 257, rounded: 256 / 257 = 0.996, 32896 / 257 = 128, 128 / 257 = 0.498
    np.testing.assert_array_equal(decoded.pixels[..., 0], [[0, 1, 128], [255, 1, 0]])
    assert decoded.changes == ["16 bits to 8"]


BITS = [8, 10, 12, 14, 16]
# Colours of 16 bits as files, of which Pillow keeps the upper bytes alone.
DEEP_COLOURS = {
    "png": deep_png,
    "little endian": lambda values: deep_tiff(values, "<"),
    "big endian": lambda values: deep_tiff(values, ">"),
    "packed": lambda values: deep_tiff(values, "<", packed=True),
    "packed big endian": lambda values: deep_tiff(values, ">", packed=True),
}


@pytest.mark.parametrize("bits", BITS)
def test_a_16_bit_image_by_its_own_range_is_the_same_image_in_8_bits(bits):
    top = 2**bits - 1
    values = RNG.integers(0, top + 1, (4, 6)).astype(np.uint16)
    values[0, :2] = 0, top
    decoded = decode(Image.fromarray(values), (4, 6, 1), deep_range=top)
    np.testing.assert_allclose(decoded.pixels[..., 0], values / top * 255, atol=0.5)
    # Of a smaller range, what is above it is white.
    halved = decode(Image.fromarray(values), (4, 6, 1), deep_range=top // 2).pixels[..., 0]
    np.testing.assert_allclose(halved, np.minimum(values / (top // 2) * 255, 255), atol=0.5)


@pytest.mark.parametrize("bits", BITS[:-1])
@pytest.mark.parametrize("kind", DEEP_COLOURS)
def test_16_bit_colours_by_their_own_range_are_the_same_colours_in_8_bits(kind, bits):
    top = 2**bits - 1
    values = RNG.integers(0, top + 1, (4, 6, 3)).astype(np.uint16)
    decoded = decode(DEEP_COLOURS[kind](values), (4, 6, 3), deep_range=top)
    np.testing.assert_allclose(decoded.pixels, values / top * 255, atol=0.5)
    assert image_module.kind(decoded.changes[0]) == "16 bits to 8"


@pytest.mark.parametrize("channels", [2, 4])
def test_the_range_of_16_bit_values_is_not_that_of_their_transparency(channels):
    values = RNG.integers(0, 4096, (4, 6, channels)).astype(np.uint16)
    alpha = RNG.integers(0, 256, (4, 6, 1))
    # 257 = 65535 / 255
    values[..., -1:] = alpha * 257
    decoded = decode(deep_png(values), (4, 6, 3), deep_range=4095)
    expected = values[..., :-1] / 4095 * alpha + 255 * (1 - alpha / 255)
    np.testing.assert_allclose(decoded.pixels, np.broadcast_to(expected, (4, 6, 3)), atol=1.5)
    assert list(map(image_module.kind, decoded.changes)) == ["16 bits to 8", "transparency on white"]


@pytest.mark.parametrize("bits", BITS)
def test_the_largest_value_is_that_of_16_bit_files_alone(bits, tmp_path):
    values = RNG.integers(0, 2**bits, (4, 6, 3)).astype(np.uint16)
    grey = values[..., :1]
    files = {
        "grey.png": (deep_png(grey), grey.max()),
        "colour.png": (deep_png(values), values.max()),
        "grey.tiff": (encoded(Image.fromarray(grey[..., 0]), "TIFF", compression="tiff_lzw"), grey.max()),
        "colour.tiff": (deep_tiff(values, ">"), values.max()),
        "transparent.png": (deep_png(np.concatenate([grey, grey * 0 + 65535], axis=-1)), grey.max()),
        "torn.png": (deep_png(values)[:-30], None),
        "deeper.tiff": (encoded(Image.fromarray(np.full((2, 2), 70000, np.int32)), "TIFF"), None),
        "text.png": (b"no image", None),
        **{kind: (encoded(Image.fromarray(COLOUR), kind), None) for kind in ("PNG", "TIFF", "JPEG", "PPM")},
    }
    for name, (content, largest) in files.items():
        (tmp_path / name).write_bytes(content)
        assert image_module.largest_deep_value(tmp_path / name) == largest, name
    assert image_module.largest_deep_value(tmp_path / "nowhere.png") is None


@pytest.mark.parametrize(
    ("largest", "expected"), [(0, 255), (255, 255), (256, 1023), (4095, 4095), (4096, 16383)]
)
def test_the_range_is_the_smallest_of_a_number_of_bits_that_holds_a_value(largest, expected):
    assert image_module.range_of(largest) == expected


@pytest.mark.parametrize("size", [(4, 6), (40, 60)])
def test_the_kind_of_a_change_has_no_numbers_of_the_image(size):
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = [
        decode(Image.fromarray(RNG.integers(0, 256, size, np.uint8)), (8, 8, 3), way, exif=exif)
        for way in ("stretch", "pad")
    ]
    kinds = [[image_module.kind(change) for change in one.changes] for one in decoded]
    assert kinds == [["turned upright", "L to RGB", way] for way in ("stretched", "padded")]
    # Upright: a quarter of a turn.
    assert decoded[0].size == size[::-1]


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.T),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].T),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_the_orientation_that_a_camera_notes_is_applied(orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = upright(GREY)
    decoded = decode(Image.fromarray(GREY), (*expected.shape, 1), exif=exif)
    np.testing.assert_array_equal(decoded.pixels[..., 0], expected)
    assert decoded.changes == [f"turned upright (EXIF orientation {orientation})"]


def test_stretching_halves_each_side_by_averaging():
    # Pillow's bilinear filter at one half: weights 1, 3, 3, 1 over 4 pixels, renormalized at the edges.
    decoded = decode(Image.fromarray(np.array([[0, 80, 160, 240]] * 2, np.uint8)), (1, 2, 1))
    left = (3 * 0 + 3 * 80 + 1 * 160) / 7
    right = (1 * 80 + 3 * 160 + 3 * 240) / 7
    np.testing.assert_allclose(decoded.pixels[0, :, 0], [left, right], atol=1)
    assert decoded.changes == ["stretched from 2×4 to 1×2 pixels"]


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [
        ((4, 8), slice(2, 6), slice(0, 8)),
        ((8, 2), slice(0, 8), slice(3, 5)),
        # Enlarged; and one so thin that it would be gone.
        ((2, 4), slice(2, 6), slice(0, 8)),
        ((1, 400), slice(3, 4), slice(0, 8)),
    ],
)
def test_padding_keeps_the_aspect_ratio_centred_on_black(size, rows, columns):
    decoded = decode(Image.fromarray(np.full(size, 200, np.uint8)), (8, 8, 1), "pad")
    expected = np.zeros((8, 8))
    expected[rows, columns] = 200
    np.testing.assert_array_equal(decoded.pixels[..., 0], expected)
    assert decoded.changes == [f"padded from {size[0]}×{size[1]} to 8×8 pixels"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an image"),
        (b"no image", "not an image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC.*convert"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC.*convert"),
        (encoded(Image.fromarray(np.full((2, 2), 70000, np.int32)), "TIFF"), "more than 16 bits"),
        (encoded(Image.fromarray(np.ones((2, 2), np.float32)), "TIFF"), "floats"),
        (encoded(Image.fromarray(COLOUR), "JPEG")[:-40], "truncated"),
        (encoded(Image.fromarray(RNG.integers(0, 256, (64, 64), np.uint8)))[:2000], "."),
    ],
)
def test_a_damaged_file_is_named(content, message):
    with pytest.raises(UnreadableImageError, match=rf"x\.png cannot be read as an image: .*{message}"):
        decode(content, (4, 6, 1))
