"""What the page shows when it is used, against Keras and the stages' own files."""

import json
import re
import shutil
from collections import Counter

import numpy as np
import pytest
from browser import array_of, scroll_through, wait_until
from made_run import CLASSES, json_of, network_of, remake_page, rows_of
from matplotlib import colormaps

from pipeline.analysis.receptive_fields import receptive_fields
from pipeline.network.checkpoint import load_model, read_layers

pytest_plugins = ["page_fixtures"]

# Windows and strides of which each has another way to be padded.
UNEVEN = (
    "model.filters=[3,4,5]",
    "model.kernel_size=[4,3,3]",
    "model.strides=[2,1,1]",
    "model.padding=[same,valid,same]",
    "model.pool=[max,average,none]",
    "model.pool_size=[3,2,2]",
    "model.pool_strides=[1,2,2]",
)


@pytest.fixture(scope="module")
def small_page(make_page):
    """Of a network for images of 14×14, whose first convolution's filter 2 is dead."""
    path = make_page(network_of("model.filters=[4,5]", shape=(14, 14, 1)))
    report = path.parent / "features.json"
    about = json_of(report)
    about["layers"]["conv2d"]["dead"] = [2]
    report.write_text(json.dumps(about))
    return remake_page(path.parents[1])


def test_mistakes_are_in_the_order_of_confidence_and_a_click_sends_one_into_the_live_network(
    opened, default_page
):
    page = opened(default_page).page
    mistakes = page.evaluate("filterscope.values.mistakes.map((i) => filterscope.values.images[i])")
    rows = array_of(page, "probabilities")[page.evaluate("filterscope.values.mistakes")]
    shares = [row[mistake["predicted"]] for row, mistake in zip(rows, mistakes, strict=True)]
    assert shares == sorted(shares, reverse=True)
    assert all(mistake["actual"] != mistake["predicted"] for mistake in mistakes)
    page.locator(".mistakes button").nth(1).click()
    predicted = CLASSES[mistakes[1]["predicted"]]
    wait_until(page, f"document.querySelector('.predicted').textContent.includes('{predicted}')")
    expected = np.load(default_page.parents[1] / "prepared/test_images.npy")[mistakes[1]["index"]]
    np.testing.assert_array_equal(page.evaluate("Array.from(filterscope.live.pixels)"), expected.ravel())


def test_a_cell_of_the_confusion_opens_the_images_behind_it(opened, default_page):
    page = opened(default_page).page
    pairs = [(row["actual"], row["predicted"]) for row in rows_of(default_page.parent / "confusion.csv")]
    (cell, count), *_ = Counter(pairs).most_common()
    page.locator(f"table.confusion button[aria-label^='{cell[0]}, predicted as {cell[1]}:']").click()
    shown = page.locator(".opened .thumbnail")
    # All 90 test images are in the page.
    assert shown.count() == count
    titles = [shown.nth(i).get_attribute("title") for i in range(count)]
    found = {int(re.search(r"image (\d+):", title).group(1)) for title in titles}
    assert found == {i for i, pair in enumerate(pairs) if pair == cell}


def test_a_filter_that_is_switched_off_changes_what_keras_says_it_changes(opened, default_page):
    page = opened(default_page).page
    page.locator("#layer-1 .tile").nth(5).click()
    wait_until(page, "document.querySelectorAll('.chances .change')[0].textContent !== ''")
    network = load_model(default_page.parents[1] / "models/best.keras", (28, 28, 1))
    kernel, bias = network.layers[0].get_weights()
    kernel[..., 5], bias[5] = 0, 0
    network.layers[0].set_weights([kernel, bias])
    image = np.load(default_page.parents[1] / "prepared/train_images.npy")[:1] / 255.0
    expected = np.asarray(network(image.astype(np.float32)))[0]
    found = [
        float(row.get_attribute("style").split("--share: ")[1].split(";")[0])
        for row in page.locator(".chances li").all()
    ]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    lost = json_of(default_page.parent / "explain.json")["importance"]["layers"]["conv2d"]["accuracy_lost"][5]
    size = f"{abs(100 * lost):.1f}"
    sign = "±" if size == "0.0" else ("−" if lost > 0 else "+")
    assert f"{sign}{size}" in page.locator(".off-list li").inner_text()
    page.get_by_role("button", name="Switch all on again").click()
    wait_until(page, "document.querySelectorAll('.off-list li').length === 0")


def test_a_pixel_is_derived_term_by_term_and_its_field_is_marked(opened, default_page):
    page = opened(default_page).page
    tile = page.locator("#layer-1 .tile canvas").nth(3)
    tile.scroll_into_view_if_needed()
    box = tile.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 10.5 / 28, box["y"] + box["height"] * 12.5 / 28)
    wait_until(
        page, "document.querySelector('.inspector h3').textContent.startsWith('conv2d 3: row 12, column 10')"
    )
    terms = page.evaluate("""() => {
      const network = filterscope.trainedNetwork();
      return [...Array(200).keys()].map((i) => {
        const step = network.steps[i % 2 ? 2 : 0];
        const [row, column, channel] = [(7 * i) % 14, (5 * i) % 14, (3 * i) % 32];
        const derived = filterscope.convolutionTerms(network, i % 2 ? 2 : 0, { row, column, channel });
        const [, columns, channels] = step.output_shape;
        return [derived.output, step.output[(row * columns + column) * channels + channel]];
      });
    }""")
    derived, computed = np.array(terms).T
    np.testing.assert_allclose(derived, computed, atol=1e-5 * np.abs(computed).max())
    assert np.abs(computed).max() > 0
    assert page.locator(".products span").count() == 9
    # Rows 11 to 13 and columns 9 to 11 of 28.
    place = page.locator(".field-mark").evaluate(
        "(mark) => [mark.style.top, mark.style.left, mark.style.width, mark.style.height].map(parseFloat)"
    )
    np.testing.assert_allclose(place, [100 * 11 / 28, 100 * 9 / 28, 100 * 3 / 28, 100 * 3 / 28], rtol=1e-4)


def test_the_receptive_field_in_the_browser_is_that_of_the_stage_explain(opened, make_page):
    path = make_page(network_of(*UNEVEN, shape=(26, 31, 1)))
    _, *fields = receptive_fields(read_layers(path.parents[1] / "models/best.keras")).values()
    page = opened(path).page
    for depth, (down, across) in enumerate(fields):
        found = page.evaluate(
            "(depth) => filterscope.receptiveField(filterscope.trainedNetwork(), depth, 1, 2)", depth
        )
        assert (found["top"], found["bottom"]) == down.extent(1)
        assert (found["left"], found["right"]) == across.extent(2)


def test_the_untrained_network_and_every_epoch_can_be_chosen(opened, default_page):
    page = opened(default_page).page
    trained = page.locator(".chances .value").first.inner_text()
    chooser = page.locator(".live-controls select")
    chooser.select_option("untrained")
    wait_until(page, f"document.querySelector('.chances .value').textContent !== {trained!r}")
    # Of an epoch there are the convolutions only.
    chooser.select_option("2")
    page.locator(".chances").wait_for(state="hidden")
    assert page.locator("#layer-1 .tiles").is_visible()
    assert not page.locator("#layer-6 .tiles").is_visible()
    chooser.select_option("trained")
    wait_until(page, f"document.querySelector('.chances .value').textContent === {trained!r}")


def test_the_slider_goes_through_the_epochs_and_plays_them(opened, default_page):
    page = opened(default_page).page
    slider = page.locator(".watch input[type=range]")
    slider.fill("2")
    kernels = np.load(default_page.parents[1] / "models/epochs.npz")["conv2d/kernel"].astype(np.float64)
    travel = np.linalg.norm(kernels[2] - kernels[0]) / np.linalg.norm(kernels[0])
    mean, spread, _, distance, accuracy, _ = page.locator(".watch dd").all_inner_texts()
    assert float(mean.replace("−", "-")) == pytest.approx(kernels[2].mean(), rel=0.01, abs=1e-4)
    assert float(spread) == pytest.approx(kernels[2].std(), rel=0.01)
    assert float(distance) == pytest.approx(travel, rel=0.01)
    assert accuracy == "65.00 %"
    slider.fill("0")
    page.get_by_role("button", name="Play").click()
    wait_until(page, "document.querySelector('.watch .epoch').textContent === 'after epoch 3 (kept)'")
    page.get_by_role("button", name="Play").wait_for()


def test_filters_are_ordered_by_importance_and_by_fire_rate(opened, default_page):
    page = opened(default_page).page

    def numbers():
        return [int(b.get_attribute("data-number")) for b in page.locator(".weights-grid .tile").all()]

    assert numbers() == list(range(32))
    lost = json_of(default_page.parent / "explain.json")["importance"]["layers"]["conv2d"]["accuracy_lost"]
    rates = json_of(default_page.parent / "features.json")["layers"]["conv2d"]["fire_rates"]
    page.get_by_role("button", name="importance", exact=True).click()
    assert [lost[n] for n in numbers()] == sorted(lost, reverse=True)
    page.get_by_role("button", name="fire rate", exact=True).click()
    assert [rates[n] for n in numbers()] == sorted(rates, reverse=True)


def test_dead_filters_are_marked(opened, small_page):
    page = opened(small_page).page
    assert page.locator(".weights-grid .tile.dead").get_attribute("data-number") == "2"
    assert page.locator("#layer-1 .tile.dead").count() == 1


def test_patches_are_cut_from_the_images_where_keras_was_excited(opened, small_page):
    path, page = small_page, opened(small_page).page
    rows = json_of(path.parent / "explain.json")["patches"]["layers"]["conv2d_1"]
    images = np.load(path.parents[1] / "prepared/validation_images.npy")[..., 0]
    padded = np.pad(images, [(0, 0), (8, 8), (8, 8)])
    pixels, places = (array_of(page, f"patches/conv2d_1/{name}") for name in ("pixels", "places"))
    for filter_, place in np.ndindex(5, 9):
        number, row, column = (rows[key][filter_][place] for key in ("images", "rows", "columns"))
        # Output r of the second 3×3 "same" convolution, behind 2×2 pooling, sees 8 pixels from 2r - 3.
        top, left = 2 * row - 3 + 8, 2 * column - 3 + 8
        first_row, end_row, first_column, end_column = places[filter_, place]
        drawn = np.zeros((8, 8))
        inside = pixels[filter_, place, : end_row - first_row, : end_column - first_column, 0]
        drawn[first_row:end_row, first_column:end_column] = inside
        np.testing.assert_array_equal(drawn, padded[number, top : top + 8, left : left + 8])


def test_the_browser_checks_itself_against_keras(standing):
    page = standing
    page.evaluate("document.getElementById('check').scrollIntoView()")
    page.locator(".here dd").first.wait_for(timeout=20000)
    difference, classes, _ = page.locator(".here dd").all_inner_texts()
    assert re.match(r"\d\.\d×10⁻[⁵⁶⁷⁸⁹]\s", difference)
    assert re.findall(r"\d+", classes) == ["91", "91"]


def test_a_network_too_large_for_the_limit_leaves_the_live_part_out_and_says_so(
    opened, default_page, tmp_path
):
    folder = tmp_path / "run"
    shutil.copytree(default_page.parents[1], folder)
    path = remake_page(folder, "page.max_megabytes=1")
    assert path.stat().st_size <= 1_000_000
    watched = opened(path)
    scroll_through(watched.page)
    assert "page.max_megabytes" in watched.page.locator("#live").inner_text()
    assert watched.page.locator(".thumbnail").count() > 10
    assert watched.complaints == []


def test_the_colour_scales_are_those_of_the_pictures(standing):
    page = standing
    for name, other in (("SIGNED", "RdBu_r"), ("POSITIVE", "Blues")):
        found = np.array(page.evaluate(f"Array.from(filterscope.colours.{name})")).reshape(256, 3)
        expected = colormaps[other](np.arange(256), bytes=True)[:, :3].astype(int)
        assert np.abs(found - expected).max() <= 1
