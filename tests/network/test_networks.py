"""The reference's networks, held against a NumPy network, hand counts and numerical gradients."""

import numpy as np
import pytest

from pipeline.network.checkpoint import read_layers, save_network
from pipeline.network.layers import build_model
from pipeline.network.outputs import feature_maps
from pipeline.network.start import configure_runtime, import_keras

SHAPE, NUM_CLASSES = (28, 28, 1), 10


# A small NumPy reference, straight from the definitions; images are (H, W, C).


def pad_same(image, window, stride):
    """Pad as `same` does: the output has ceil(size / stride) places, the odd pixel goes last."""
    total = [max(0, (-(-n // stride) - 1) * stride + window - n) for n in image.shape[:2]]
    return np.pad(image, [(t // 2, t - t // 2) for t in total] + [(0, 0)])


def windows(image, window, stride):
    """Each window of an image with its place in the output."""
    rows = (image.shape[0] - window) // stride + 1
    columns = (image.shape[1] - window) // stride + 1
    for y in range(rows):
        for x in range(columns):
            yield y, x, image[y * stride : y * stride + window, x * stride : x * stride + window]


def convolve(image, kernel, bias, stride, padding):
    window = kernel.shape[0]
    image = pad_same(image, window, stride) if padding == "same" else image
    places = list(windows(image, window, stride))
    output = np.zeros((places[-1][0] + 1, places[-1][1] + 1, kernel.shape[-1]))
    for y, x, patch in places:
        output[y, x] = (patch[..., np.newaxis] * kernel).sum(axis=(0, 1, 2)) + bias
    return output


def pool(image, window, stride, reduce):
    places = list(windows(image, window, stride))
    output = np.zeros((places[-1][0] + 1, places[-1][1] + 1, image.shape[-1]))
    for y, x, patch in places:
        output[y, x] = reduce(patch, axis=(0, 1))
    return output


def normalize(image):
    output = np.empty_like(image)
    for channel in range(image.shape[-1]):
        near = image[..., max(0, channel - 2) : channel + 3]
        output[..., channel] = image[..., channel] / (2 + 1e-4 * (near**2).sum(-1)) ** 0.75
    return output


def softmax(values):
    powers = np.exp(values - values.max())
    return powers / powers.sum()


ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softmax": softmax,
}


def forward(layers, image):
    """Outputs by layer name of a network read from its checkpoint."""
    outputs, value = {}, image
    for layer in layers:
        config = layer.config
        match layer.kind:
            case "Conv2D":
                raw = convolve(value, *layer.variables, config["strides"][0], config["padding"])
                value = ACTIVATIONS[config["activation"]](raw)
            case "Dense":
                value = ACTIVATIONS[config["activation"]](value @ layer.variables[0] + layer.variables[1])
            case "MaxPooling2D" | "AveragePooling2D":
                reduce = np.max if layer.kind.startswith("Max") else np.mean
                value = pool(value, config["pool_size"][0], config["strides"][0], reduce)
            case "LocalResponseNormalization":
                value = normalize(value)
            case "Flatten":
                value = value.ravel()
        outputs[layer.name] = value
    return outputs


@pytest.mark.parametrize("name", ["cnn", "simple_convnet", "lenet", "alexnet"])
def test_every_activation_is_that_of_a_network_in_numpy(name, compose, tmp_path):
    configure_runtime(seed=5, threads=2, device="auto")
    network = build_model(compose(f"model={name}").model, input_shape=SHAPE, num_classes=NUM_CLASSES)
    save_network(network, tmp_path / "network.keras")
    layers = read_layers(tmp_path / "network.keras")
    image = np.random.default_rng(1).integers(0, 256, SHAPE, np.uint8)
    names = [layer.name for layer in network.layers]
    found = feature_maps(network, names, image)
    expected = forward(layers, image / 255)
    for layer in names:
        scale = np.abs(expected[layer]).max()
        np.testing.assert_allclose(found[layer], expected[layer], atol=2e-5 * scale, err_msg=layer)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # 28 - 5 + 1 = 24, halved 12; 12 * 12 * 30 = 4320
        ("simple_convnet", (5 * 5 * 30 + 30) + (4320 * 100 + 100) + 1010),
        # same 28, halved 14; 14 - 5 + 1 = 10, halved 5; 5 * 5 * 16 = 400
        (
            "lenet",
            (25 * 6 + 6) + (25 * 6 * 16 + 16) + (400 * 120 + 120) + (120 * 84 + 84) + (84 * 10 + 10),
        ),
        # 28 -> (28 - 3) / 2 + 1 = 13 -> (13 - 3) / 2 + 1 = 6 -> (6 - 3) / 2 + 1 = 2; 2 * 2 * 64 = 256
        (
            "alexnet",
            (25 * 24 + 24)
            + sum(9 * before * after + after for before, after in [(24, 64), (64, 96), (96, 96), (96, 64)])
            + (256 * 512 + 512)
            + (512 * 512 + 512)
            + (512 * 10 + 10),
        ),
    ],
)
def test_sizes_are_those_worked_out_by_hand(name, parameters, compose):
    network = build_model(compose(f"model={name}").model, input_shape=SHAPE, num_classes=NUM_CLASSES)
    assert network.count_params() == parameters


def test_gradients_of_simple_convnet_are_those_of_numerical_differentiation(compose):
    keras = import_keras()
    import tensorflow as tf

    keras.utils.set_random_seed(2)
    model = compose("model=simple_convnet").model.model_copy(update={"filters": [3], "dense": [6]})
    network = build_model(model, input_shape=(10, 10, 1), num_classes=4, dtype="float64")
    rng = np.random.default_rng(0)
    # Far from the zeros of ReLU and the ties of pooling, where the loss has no derivative.
    for variable in network.weights:
        variable.assign(rng.normal(size=variable.shape) * 0.3)
    images, labels = rng.random((3, 10, 10, 1)), np.array([0, 3, 1])

    def loss():
        chosen = tf.gather(network(images), labels, axis=1, batch_dims=1)
        return -tf.reduce_mean(tf.math.log(tf.cast(chosen, tf.float64)))

    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, [variable.value for variable in network.weights])
    for variable, gradient in zip(network.weights, gradients, strict=True):
        assert variable.dtype == "float64"
        flat, step = variable.numpy().ravel(), 1e-5
        for place in rng.choice(flat.size, size=min(12, flat.size), replace=False):
            sides = []
            for sign in (1, -1):
                moved = flat.copy()
                moved[place] += sign * step
                variable.assign(moved.reshape(variable.shape))
                sides.append(float(loss()))
            variable.assign(flat.reshape(variable.shape))
            numerical = (sides[0] - sides[1]) / (2 * step)
            analytical = gradient.numpy().ravel()[place]
            assert abs(numerical - analytical) <= 1e-5 * max(1e-3, abs(numerical) + abs(analytical))
