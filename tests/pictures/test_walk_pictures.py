"""Pictures of the walk: shared scales, numbered tiles, halves named, for every kind of network."""

import numpy as np
import pytest
from drawn import texts

from pipeline.analysis.walk import Step
from pipeline.analysis.walk import walk as walked
from pipeline.network.layers import build_model
from pipeline.pictures import drawing
from pipeline.pictures import walk as pictures
from pipeline.pictures.drawing import write_figure
from pipeline.pictures.walk import layer, title_of

CLASSES = ["a", "b", "c"]


def draw(step, scale, steps):
    title = title_of(step, 1, steps, "image 0")
    return layer(step, scale, title, CLASSES, bins=10, kernel_limit=0.5, max_kernel_rows=4)


def walk(compose, *overrides, channels=1):
    model = compose("model.filters=[4,6]", *overrides).model
    network = build_model(model, input_shape=(16, 16, channels), num_classes=3)
    image = np.random.default_rng(0).integers(0, 256, (16, 16, channels), np.uint8)
    return image, walked(network, image)


def test_a_convolution_and_the_pooling_after_it_share_one_scale(compose):
    _, steps = walk(compose)
    limits = [(norm.vmin, norm.vmax) for norm, _ in pictures.scales(steps)]
    largest = [float(step.output.max()) for step in steps]
    assert [step.name for step in steps[:4]] == ["conv2d", "max_pooling2d", "conv2d_1", "max_pooling2d_1"]
    assert limits[:4] == [(0, largest[0])] * 2 + [(0, largest[2])] * 2
    assert largest[0] != largest[2]


def test_a_convolution_is_shown_before_and_after_its_activation_with_its_kernel(compose):
    _, steps = walk(compose)
    figure = draw(steps[0], pictures.scales(steps)[0], steps)
    words = texts(figure)
    assert "feature extraction, step 1 of 8: conv2d → 16×16×4" in words
    assert "before relu, 16×16×4" in words
    assert "after relu, 16×16×4: 0 to" in words
    assert "kernel 3×3×1×4" in words
    for axes, maps in zip(figure.axes[:2], (steps[0].before, steps[0].output), strict=True):
        # Four tiles of 16×16, two in a row, a cell between.
        drawn = axes.images[0].get_array()
        for n in range(4):
            top, left = n // 2 * 17, n % 2 * 17
            np.testing.assert_array_equal(drawn[top : top + 16, left : left + 16], maps[..., n])
    assert words.count("| 3 |") == 3


def test_the_histogram_counts_every_value_once(compose):
    _, steps = walk(compose)
    figure = draw(steps[1], pictures.scales(steps)[1], steps)
    axes = next(a for a in figure.axes if a.get_title().startswith("distribution"))
    filled = next(shape for shape in axes.patches if shape.get_fill())
    assert filled.get_data().values.sum() == 8 * 8 * 4


@pytest.mark.parametrize(("filters", "columns"), [(1, 1), (3, 2), (16, 4), (32, 8), (70, 16), (400, 16)])
def test_tiles_stand_in_rows_that_keep_the_picture_about_square(filters, columns):
    rng = np.random.default_rng(0)
    step = Step("pool", "MaxPooling2D", None, None, rng.random((2, 2, filters)), None)
    figure = draw(step, pictures.scales([step])[0], [step])
    assert len({round(text.get_position()[0], 6) for text in figure.axes[0].texts}) == columns


def test_the_last_layer_shows_logits_and_probabilities_of_the_named_classes(compose):
    _, steps = walk(compose)
    figure = draw(steps[-1], pictures.scales(steps)[-1], steps)
    logits, bars = figure.axes[:2]
    np.testing.assert_allclose([bar.get_height() for bar in logits.patches], steps[-1].before)
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], steps[-1].output)
    assert [label.get_text() for label in bars.get_yticklabels()] == CLASSES


def test_the_strip_names_both_halves_and_every_layer_in_order(compose):
    image, steps = walk(compose)
    figure = pictures.strip(image, steps, pictures.scales(steps), "image 0", CLASSES)
    words = texts(figure)
    assert words.count("| feature extraction |") == 1
    assert words.count("| classification |") == 1
    assert all(f"| {number}. {step.name}\n" in words for number, step in enumerate(steps, start=1))


@pytest.mark.parametrize(
    ("overrides", "channels"),
    [
        (("model.local_response_normalization=true", "model.dense=[]", "model.activation=linear"), 1),
        (("model.filters=[4,70,3]", "model.pool=none", "model.dense=[300]"), 3),
        (("model.filters=[1]",), 3),
    ],
)
def test_unusual_networks_have_a_picture_of_each_layer(compose, overrides, channels, tmp_path, monkeypatch):
    # Takes less time.
    monkeypatch.setattr(drawing, "DOTS_PER_INCH", 50)
    image, steps = walk(compose, *overrides, channels=channels)
    scales = pictures.scales(steps)
    for step, scale in zip(steps, scales, strict=True):
        write_figure(tmp_path / f"{step.name}.png", draw(step, scale, steps))
    strip = pictures.strip(image, steps, scales, "image 0", CLASSES)
    write_figure(tmp_path / "strip.png", strip)
    assert len(list(tmp_path.iterdir())) == len(steps) + 1


def test_a_dead_network_draws_without_warnings(compose):
    _, steps = walk(compose)
    dead = Step("conv2d", "Conv2D", None, None, np.zeros((4, 4, 2), np.float32), steps[0].kernel)
    draw(dead, pictures.scales([dead])[0], [dead]).canvas.draw()
