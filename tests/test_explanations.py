"""The deeper looks, each against the check that proves it."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import rankdata

from pipeline import explanations, features, models, training
from pipeline.explanations import Patches, ReceptiveField

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 12, 12, 1), np.uint8)


def network(compose, *overrides, channels=1):
    training.configure_runtime(seed=5, threads=2, device="auto")
    model = compose("model.filters=[3,4]", "model.dense=[7]", *overrides).model
    return models.build_model(model, input_shape=(12, 12, channels), num_classes=3)


def test_receptive_field_of_valid_windows_has_the_closed_form():
    windows = [(5, 1), (2, 2), (3, 1), (2, 2), (3, 3)]
    field, size = ReceptiveField(), 200
    for window, stride in windows:
        field = explanations.widened(field, size, window, stride, "valid")
        size = models.window_output(size, window, stride, "valid")
    jumps = np.cumprod([1] + [stride for _, stride in windows])
    # Araujo et al. 2019, eq. 2: 1 + the sum of (window - 1) * product of the strides before it.
    assert field.size == 1 + sum((w - 1) * j for (w, _), j in zip(windows, jumps[:-1], strict=True))
    assert (field.jump, field.start) == (jumps[-1], 0)


def test_same_padding_begins_before_the_image():
    # 28 pixels, window 3: one pixel before, one after; 8 pixels, window 3, stride 2: none before, one after.
    assert explanations.widened(ReceptiveField(), 28, 3, 1, "same") == ReceptiveField(3, 1, -1)
    assert explanations.widened(ReceptiveField(), 8, 3, 2, "same") == ReceptiveField(3, 2, 0)


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("model.strides=2", "model.pool=none"),
        ("model.padding=valid", "model.pool=average", "model.kernel_size=[2,4]"),
        ("model.kernel_size=[4,3]", "model.strides=[1,2]", "model.pool=[average,none]"),
    ],
)
def test_gradients_reach_just_the_pixels_of_the_receptive_field(compose, overrides):
    import tensorflow as tf

    # Without an activation and with positive weights nothing cancels; average pooling keeps all paths.
    average = () if any("pool=" in o for o in overrides) else ("model.pool=average",)
    net = network(compose, "model.activation=linear", *overrides, *average)
    for layer in net.layers:
        layer.set_weights([np.ones_like(weights) for weights in layer.get_weights()])
    fields = explanations.receptive_fields(net)
    name = features.convolution_names(net)[-1]
    model = features.extractor(net, [name])
    height, width = net.get_layer(name).output.shape[1:3]
    for row, column in [(0, 0), (height - 1, width // 2), (height // 2, width - 1)]:
        image = tf.ones((1, 12, 12, 1))
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = model([image])[name][0, row, column, 0]
        seen = tape.gradient(value, image).numpy()[0, ..., 0] > 0
        expected = np.zeros((12, 12), bool)
        (top, bottom), (left, right) = fields[name][0].extent(row), fields[name][1].extent(column)
        expected[max(0, top) : bottom, max(0, left) : right] = True
        np.testing.assert_array_equal(seen, expected)


def test_a_crop_beyond_the_image_is_blank_there():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    part = explanations.crop(image, (-1, 2), (2, 5))[..., 0] * 255
    nan = np.nan
    np.testing.assert_allclose(part, [[nan, nan, nan], [2, 3, nan], [6, 7, nan]])


def test_the_strongest_patches_are_those_of_all_outputs_sorted(compose, monkeypatch):
    monkeypatch.setattr(explanations, "EVALUATION_BATCH", 7)
    net = network(compose)
    found = explanations.strongest_patches(net, ["conv2d", "conv2d_1"], IMAGES)
    for name, patches in found.items():
        outputs = np.asarray(features.extractor(net, [name])([(IMAGES / 255).astype(np.float32)])[name])
        peaks = outputs.max(axis=(1, 2))
        np.testing.assert_allclose(patches.activations, -np.sort(-peaks, axis=0)[:9].T, rtol=1e-5)
        for number in range(outputs.shape[-1]):
            units = patches.images[number], patches.rows[number], patches.columns[number], number
            np.testing.assert_allclose(outputs[units], patches.activations[number], rtol=1e-5)
            assert len(set(patches.images[number].tolist())) == 9


def test_equally_strong_patches_keep_the_order_of_the_images():
    zeros = np.zeros((1, 3), int)
    first = Patches(np.array([[2.0, 1.0, 2.0]]), np.array([[0, 1, 2]]), zeros, zeros)
    later = Patches(np.array([[2.0, 3.0, 0.0]]), np.array([[3, 4, 5]]), zeros, zeros)
    assert first.joined(later).best(3).images.tolist() == [[4, 0, 2]]


@pytest.mark.parametrize(
    ("overrides", "channels"),
    [
        ((), 1),
        (("model.strides=[1,2]", "model.pool=[max,none]", "model.kernel_size=[5,2]"), 1),
        (("model.padding=valid", "model.pool=average", "model.activation=sigmoid"), 3),
        (("model.local_response_normalization=true",), 1),
    ],
)
def test_a_patch_alone_gives_the_activation_that_it_was_chosen_for(compose, overrides, channels):
    net = network(compose, *overrides, channels=channels)
    images = RNG.integers(0, 256, (20, 12, 12, channels), np.uint8)
    fields = explanations.receptive_fields(net)
    for name, patches in explanations.strongest_patches(net, ["conv2d", "conv2d_1"], images).items():
        again = explanations.recomputed(net, name, patches, fields[name], images)
        np.testing.assert_allclose(again, patches.activations, rtol=1e-5, atol=1e-6)


def test_a_receptive_field_that_is_too_small_is_found_out(compose):
    net = network(compose, "model.activation=linear")
    patches = explanations.strongest_patches(net, ["conv2d_1"], IMAGES)["conv2d_1"]
    small = tuple(
        dataclasses.replace(field, size=field.size - 3)
        for field in explanations.receptive_fields(net)["conv2d_1"]
    )
    again = explanations.recomputed(net, "conv2d_1", patches, small, IMAGES)
    assert np.abs(again - patches.activations).max() > 0.01


def test_a_filter_that_never_fires_has_no_patches_and_costs_nothing(compose):
    net = network(compose)
    kernel, bias = net.layers[0].get_weights()
    net.layers[0].set_weights([kernel, np.array([-100, *bias[1:]], np.float32)])
    labels = RNG.integers(0, 3, 30).astype(np.uint8)
    patches = explanations.strongest_patches(net, ["conv2d"], IMAGES)["conv2d"]
    crops = explanations.crops(patches, explanations.receptive_fields(net)["conv2d"], IMAGES, 0.0)
    assert [len(each) for each in crops] == [0, 9, 9]
    assert explanations.ablation(net, "conv2d", IMAGES, labels)[1][0] == 0


@pytest.mark.parametrize("name", ["conv2d", "conv2d_1"])
def test_ablation_is_that_of_a_network_whose_next_layer_ignores_the_filter(compose, name):
    # After max pooling a zeroed channel is a channel that the next kernel multiplies by zero.
    net = network(compose)
    scaled = (IMAGES / 255).astype(np.float32)
    labels = np.asarray(net(scaled)).argmax(axis=1).astype(np.uint8)
    labels[:10] = (labels[:10] + 1) % 3
    accuracy, lost = explanations.ablation(net, name, IMAGES, labels)
    assert accuracy == pytest.approx(20 / 30)
    following = net.get_layer("conv2d_1" if name == "conv2d" else "dense")
    kernel, bias = following.get_weights()
    for number in range(len(lost)):
        deaf = kernel.copy()
        if name == "conv2d":
            deaf[:, :, number, :] = 0
        else:
            deaf[number :: len(lost)] = 0
        following.set_weights([deaf, bias])
        expected = (np.asarray(net(scaled)).argmax(axis=1) == labels).mean()
        following.set_weights([kernel, bias])
        assert lost[number] == pytest.approx(accuracy - expected)


def attribution(net, image, number):
    logits = explanations.logit_model(features.separated(net))
    return explanations.attribute(logits, explanations.gradient_function(logits), image, number)


def test_attribution_in_a_linear_network_is_the_weight_times_the_pixel(compose):
    net = network(compose, "model.activation=linear", "model.pool=none")
    scaled = IMAGES[0].astype(np.float32) / 255
    logits = explanations.logit_model(features.separated(net))
    basis = np.eye(144, dtype=np.float32).reshape(144, 12, 12, 1)
    black = np.asarray(logits([np.zeros((1, 12, 12, 1), np.float32)]))[0, 2]
    weights = (np.asarray(logits([basis]))[:, 2] - black).reshape(12, 12, 1)
    found = attribution(net, IMAGES[0], 2)
    np.testing.assert_allclose(found.values, weights * scaled, atol=1e-4)
    assert found.steps == explanations.FIRST_STEPS


@pytest.mark.parametrize("overrides", [(), ("model.activation=sigmoid", "model.pool=average")])
def test_attribution_adds_up_to_the_difference_of_the_logits(compose, overrides):
    net = network(compose, *overrides)
    found = attribution(net, IMAGES[1], 0)
    probabilities = np.asarray(net(np.stack([IMAGES[1], IMAGES[1] * 0]).astype(np.float32) / 255))
    # A difference of logits is the logarithm of a ratio of probabilities, but for a constant.
    other = attribution(net, IMAGES[1], 1)
    ratio = np.log(probabilities[:, 0] / probabilities[:, 1])
    assert found.completeness_error <= 0.01
    assert found.values.sum() == pytest.approx(found.logit - found.baseline_logit, rel=0.01)
    assert found.logit - other.logit == pytest.approx(ratio[0], abs=1e-4)
    assert found.baseline_logit - other.baseline_logit == pytest.approx(ratio[1], abs=1e-4)


def test_black_pixels_have_no_attribution(compose):
    image = IMAGES[2].copy()
    image[:, :5] = 0
    assert not attribution(network(compose), image, 0).values[:, :5].any()


def test_the_cascade_makes_the_layers_random_from_the_top_and_leaves_the_network_as_it_was(compose):
    net = network(compose)
    before = net.get_weights()
    steps = list(explanations.cascade(net, IMAGES[:3], 1))
    assert [step.layer for step in steps] == ["none", "dense_1", "dense", "conv2d_1", "conv2d"]
    for old, new in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    logits = explanations.logit_model(features.separated(net))
    gradients = explanations.gradient_function(logits)
    number = int(np.asarray(net(IMAGES[:1].astype(np.float32) / 255)).argmax())
    expected = explanations.integrated_gradients(gradients, IMAGES[0], number, explanations.FIRST_STEPS)
    np.testing.assert_allclose(steps[0].maps[0], expected[..., 0], atol=1e-6)
    again = list(explanations.cascade(net, IMAGES[:3], 1))
    np.testing.assert_array_equal(again[-1].maps, steps[-1].maps)
    assert len({step.maps.tobytes() for step in steps}) == len(steps)


def test_rank_correlation_is_pearsons_of_the_ranks_where_the_mask_holds():
    first, second = RNG.normal(size=(2, 6, 6))
    where = RNG.random((6, 6)) > 0.3
    expected = np.corrcoef(rankdata(first[where]), rankdata(second[where]))[0, 1]
    assert explanations.rank_correlation(first, second, where) == pytest.approx(expected)
    assert explanations.rank_correlation(first, np.exp(first), where) == pytest.approx(1)
    assert explanations.rank_correlation(first, np.zeros((6, 6)), where) == 0
    assert explanations.rank_correlation(first, second, np.zeros((6, 6), bool)) == 0


def test_a_map_that_follows_the_network_passes_and_an_edge_detector_fails():
    maps = RNG.normal(size=(3, 2, 12, 12))
    steps = [explanations.SanityStep(name, m) for name, m in zip(["none", "a", "b"], maps, strict=True)]
    about = explanations.describe_sanity(steps, IMAGES[:2])
    assert about["random_down_to"] == ["none", "a", "b"]
    assert about["integrated_gradients"][0] == pytest.approx(1)
    assert about["edge_detector"] == pytest.approx([1, 1, 1])
    assert (about["passed"], about["edge_detector_passed"]) == (True, False)


def test_edges_are_strongest_beside_a_step():
    image = np.zeros((5, 6, 1), np.uint8)
    image[:, 3:] = 255
    # Sobel's kernel weighs a vertical step by 1 + 2 + 1 on both sides of it.
    np.testing.assert_allclose(explanations.edges(image), [[0, 0, 4, 4, 0, 0]] * 5)
