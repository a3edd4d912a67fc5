"""What is drawn or opened reaches the network as `predict` would bring it there, to the bit."""

import base64
import io

import numpy as np
import pytest
from browser import wait_until
from made_run import CLASSES, network_of
from PIL import Image

from pipeline.data import image

pytest_plugins = ["page_fixtures"]

PREPROCESS = """([png, shape, way]) => {
  const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0));
  const asItIs = {colorSpaceConversion: "none", premultiplyAlpha: "none"};
  return createImageBitmap(new Blob([bytes]), asItIs).then((bitmap) => {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
    return Array.from(filterscope.preprocess({width: canvas.width, height: canvas.height, data}, shape, way));
  });
}"""
SIZES = [(28, 28), (280, 280), (301, 97), (13, 50), (29, 27), (500, 640), (1, 1)]


def picture(height, width):
    """A PNG file of noise over a slope, in colour."""
    random = np.random.default_rng(height * 1000 + width)
    slope = np.linspace(0, 200, width)[None, :, None]
    pixels = np.clip(slope + random.integers(-60, 60, (height, width, 3)), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("way", ["stretch", "pad"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_the_browser_reduces_a_picture_to_the_very_pixels_of_pillow(standing, size, channels, way):
    content, shape = picture(*size), (28, 28, channels)
    found = standing.evaluate(PREPROCESS, [base64.b64encode(content).decode(), shape, way])
    expected = image.decode(content, "a.png", shape, resize=way).pixels
    np.testing.assert_array_equal(np.array(found, np.uint8).reshape(shape), expected)


def pixels_of(page):
    """What the live network gets."""
    return np.array(page.evaluate("Array.from(filterscope.live.pixels)"))


def test_a_drawing_is_what_predict_makes_of_the_same_picture(opened, default_page):
    page = opened(default_page).page
    page.get_by_role("button", name="Clear").click()
    box = page.locator(".surface canvas").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 180, steps=8)
    page.mouse.move(box["x"] + 200, box["y"] + 100, steps=8)
    page.mouse.up()
    wait_until(page, "filterscope.live.pixels.some((level) => level > 200)")
    # One frame more, for the last piece of the line.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    drawn = pixels_of(page)
    strokes = base64.b64decode(page.evaluate("filterscope.strokes().toDataURL().split(',')[1]"))
    expected = image.decode(strokes, "drawing.png", (28, 28, 1), resize="stretch").pixels
    np.testing.assert_array_equal(drawn.reshape(28, 28, 1), expected)
    assert 0 < (drawn > 0).sum() < drawn.size / 2


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return Image.open(io.BytesIO(picture(60, 90))), {"exif": exif}


def turned_webp():
    """Left bright, right dark, saved in whatever direction: Chromium does not turn it."""
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[:, :45] = 150
    pixels[:20] += 40
    return pixels


def see_through():
    opaque = Image.open(io.BytesIO(picture(60, 90))).convert("RGBA")
    opaque.putalpha(Image.linear_gradient("L").resize(opaque.size))
    return opaque, {}


# Browser and Pillow may round half-transparent colours differently, each by one level.
@pytest.mark.parametrize(("make", "levels"), [(turned, 0), (see_through, 2)])
def test_a_picture_arrives_as_predict_would_bring_it(opened, default_page, tmp_path, make, levels):
    page, path = opened(default_page).page, tmp_path / "opened.png"
    opaque, options = make()
    opaque.save(path, **options)
    page.locator("input[type=file]").set_input_files(path)
    wait_until(page, "filterscope.live.words.includes('opened.png')")
    expected = image.decode(path.read_bytes(), path.name, (28, 28, 1), resize="stretch").pixels
    assert np.abs(pixels_of(page).reshape(28, 28, 1) - expected.astype(int)).max() <= levels


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_webp_is_turned_as_its_file_says(opened, default_page, tmp_path, orientation):
    page, path = opened(default_page).page, tmp_path / "turned.webp"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(turned_webp()).save(path, lossless=True, exif=exif)
    page.locator("input[type=file]").set_input_files(path)
    wait_until(page, "filterscope.live.words.includes('turned.webp')")
    expected = image.decode(path.read_bytes(), path.name, (28, 28, 1), resize="stretch").pixels
    np.testing.assert_array_equal(pixels_of(page).reshape(28, 28, 1), expected)


def test_a_file_that_is_no_image_is_refused_by_name(opened, default_page, tmp_path):
    page = opened(default_page).page
    (tmp_path / "text.png").write_text("no image")
    page.locator("input[type=file]").set_input_files(tmp_path / "text.png")
    page.get_by_text("text.png").wait_for()


def test_colours_are_drawn_in_the_ink_that_was_chosen(opened, make_page):
    path = make_page(network_of("model.filters=[4,5]", shape=(20, 24, 3), num_classes=3), classes=CLASSES[:3])
    page = opened(path).page
    page.get_by_role("button", name="Clear").click()
    page.locator("input[type=color]").fill("#ff8000")
    page.get_by_label("Width").fill("6")
    page.locator(".surface canvas").click(position={"x": 100, "y": 100})
    wait_until(page, "filterscope.live.pixels.includes(255)")
    assert [255, 128, 0] in pixels_of(page).reshape(-1, 3).tolist()


def test_light_and_dark_can_be_exchanged(opened, default_page):
    page = opened(default_page).page
    before = pixels_of(page)
    page.get_by_role("button", name="Exchange light and dark").click()
    wait_until(page, f"filterscope.live.pixels[0] === {255 - before[0]}")
    np.testing.assert_array_equal(pixels_of(page), 255 - before)
