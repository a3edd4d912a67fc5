"""Every layer of every network in the browser is what Keras computes."""

import base64

import numpy as np
import pytest
from made_run import images_of_shapes, network_of, shake

from pipeline.config.model import ACTIVATIONS
from pipeline.network.checkpoint import read_layers
from pipeline.network.outputs import extractor
from pipeline.page.networks import described

pytest_plugins = ["page_fixtures"]

RELATIVE = 1e-4
COUNT, AT_ONCE = 100, 20
NETWORKS = {
    "cnn": ([], (28, 28, 1)),
    "simple_convnet": (["model=simple_convnet"], (28, 28, 1)),
    "lenet": (["model=lenet"], (28, 28, 1)),
    "alexnet": (["model=alexnet"], (28, 28, 1)),
    "colour": (["model.filters=[12,16]"], (32, 32, 3)),
    # Even kernels and strides, whose padding is uneven; sides that differ; each activation once.
    "uneven": (
        [
            "model.filters=[5,6,7]",
            "model.kernel_size=[4,3,2]",
            "model.strides=[2,1,1]",
            "model.padding=[same,valid,same]",
            "model.activation=[elu,tanh,gelu]",
            "model.pool=[average,max,none]",
            "model.pool_size=[2,3,2]",
            "model.pool_strides=[1,2,2]",
            "model.dense=[9,8]",
        ],
        (27, 30, 3),
    ),
    "silu": (
        [
            "model.filters=[4,5]",
            "model.activation=[linear,silu]",
            "model.kernel_size=[6,4]",
            "model.strides=[3,2]",
        ],
        (28, 28, 1),
    ),
}
BUILD = """([layers, variables]) => {
  const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  window.built = filterscope.buildNetwork(layers, ({ name }, kind) => floats(variables[`${name}/${kind}`]));
}"""
RUN = """([images, size]) => {
  const pixels = Uint8Array.from(atob(images), (c) => c.charCodeAt(0));
  const outputs = built.steps.map((step) => new Float32Array((pixels.length / size) * step.output.length));
  for (let n = 0; n * size < pixels.length; n++) {
    filterscope.run(built, pixels.subarray(n * size, (n + 1) * size));
    built.steps.forEach((step, i) => outputs[i].set(step.output, n * step.output.length));
  }
  const text = ({ buffer }) => {
    const characters = [];
    for (let i = 0; i < buffer.byteLength; i += 9999) {
      const part = new Uint8Array(buffer, i, Math.min(9999, buffer.byteLength - i));
      characters.push(String.fromCharCode(...part));
    }
    return btoa(characters.join(""));
  };
  return built.steps.map((step, i) => [step.name, text(outputs[i])]);
}"""


@pytest.fixture(scope="module", params=NETWORKS)
def computed(request, tmp_path_factory):
    """A network's layers as the page knows them, images, and what Keras makes of them, layer by layer."""
    overrides, shape = NETWORKS[request.param]
    network = network_of(*overrides, shape=shape)
    shake(network, 11)
    path = tmp_path_factory.mktemp("network") / "network.keras"
    network.save(path)
    images = images_of_shapes(COUNT, shape, 5)
    model = extractor(network, [layer.name for layer in network.layers])
    outputs = {
        name: np.asarray(values) for name, values in model([(images / 255.0).astype(np.float32)]).items()
    }
    return read_layers(path, recorded=False), images, outputs


def check(found, expected):
    """Each image's outputs within the relative difference, measured against its largest output."""
    axes = tuple(range(1, expected.ndim))
    scale = np.abs(expected).max(axis=axes, keepdims=True)
    assert (np.abs(found - expected) <= RELATIVE * scale).all()


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def test_the_browser_computes_what_keras_does(computed, standing):
    layers, images, expected = computed
    variables = {
        f"{layer.name}/{kind}": text(array)
        for layer in layers
        for kind, array in zip(("kernel", "bias"), layer.variables, strict=False)
    }
    standing.evaluate(BUILD, [[described(layer) for layer in layers], variables])
    batches = [
        standing.evaluate(RUN, [text(images[start : start + AT_ONCE]), images[0].size])
        for start in range(0, COUNT, AT_ONCE)
    ]
    for name, *contents in zip(expected, *batches, strict=True):
        assert {of for of, _ in contents} == {name}
        found = np.frombuffer(b"".join(base64.b64decode(content) for _, content in contents), np.float32)
        # As many values as those of all images.
        found = found.reshape(expected[name].shape)
        check(found, expected[name])
    assert len(found) == COUNT
    assert (found.argmax(axis=1) == expected[layers[-1].name].argmax(axis=1)).all()


def test_the_networks_here_have_every_layer_activation_and_padding_of_the_schema():
    networks = [network_of(*overrides, shape=shape) for overrides, shape in NETWORKS.values()]
    layers = [layer for network in networks for layer in network.layers]
    activations = {layer.activation.__name__ for layer in layers if hasattr(layer, "activation")}
    assert activations == {*ACTIVATIONS, "softmax"}
    assert {layer.padding for layer in layers if hasattr(layer, "padding")} == {"same", "valid"}
    kinds = {"Conv2D", "MaxPooling2D", "AveragePooling2D", "LocalResponseNormalization"}
    assert {type(layer).__name__ for layer in layers} == kinds | {"Flatten", "Dropout", "Dense"}
