"""Every layer of every network, in the browser and in NumPy, is what Keras computes."""

import base64

import numpy as np
import pytest
from made_run import images_of_shapes, network_of, shake

from pipeline.config.model import ACTIVATIONS
from pipeline.network.checkpoint import read_layers
from pipeline.network.outputs import extractor
from pipeline.page import twin
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
RUN = """([layers, variables, images, size]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const floats = (text) => new Float32Array(bytes(text).buffer);
  const find = ({ name }, kind) => floats(variables[`${name}/${kind}`]);
  const network = filterscope.buildNetwork(layers, find);
  const pixels = bytes(images);
  const outputs = network.steps.map(() => []);
  for (let at = 0; at < pixels.length; at += size) {
    filterscope.run(network, pixels.subarray(at, at + size));
    network.steps.forEach((step, i) => outputs[i].push(step.output.slice()));
  }
  const text = (arrays) => {
    const all = new Uint8Array(arrays.length * arrays[0].byteLength);
    arrays.forEach((array, i) => all.set(new Uint8Array(array.buffer), i * array.byteLength));
    let characters = "";
    for (let i = 0; i < all.length; i += 9999) {
      characters += String.fromCharCode(...all.subarray(i, i + 9999));
    }
    return btoa(characters);
  };
  return network.steps.map((step, i) => [step.name, text(outputs[i])]);
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


@pytest.fixture(scope="module")
def engine(browser, default_page):
    page = browser.new_page()
    page.goto(default_page.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    yield page
    page.close()


def check(found, expected):
    """Each image's outputs within the relative difference, measured against its largest output."""
    axes = tuple(range(1, expected.ndim))
    scale = np.abs(expected).max(axis=axes, keepdims=True)
    assert (np.abs(found - expected) <= RELATIVE * scale).all()


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def test_the_browser_computes_what_keras_does(computed, engine):
    layers, images, expected = computed
    variables = {
        f"{layer.name}/{kind}": text(array)
        for layer in layers
        for kind, array in zip(("kernel", "bias"), layer.variables, strict=False)
    }
    about, size = [described(layer) for layer in layers], images[0].size
    batches = [
        engine.evaluate(RUN, [about, variables, text(images[start : start + AT_ONCE]), size])
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


def test_the_twin_computes_what_keras_does(computed):
    layers, images, expected = computed
    found = twin.steps(layers, images)
    assert [step.layer.name for step in found] == list(expected)
    for step in found:
        check(step.output, expected[step.layer.name])
    assert (found[-1].output.argmax(axis=1) == expected[layers[-1].name].argmax(axis=1)).all()


def test_the_networks_here_have_every_layer_activation_and_padding_of_the_schema():
    networks = [network_of(*overrides, shape=shape) for overrides, shape in NETWORKS.values()]
    layers = [layer for network in networks for layer in network.layers]
    activations = {layer.activation.__name__ for layer in layers if hasattr(layer, "activation")}
    assert activations == {*ACTIVATIONS, "softmax"}
    assert {layer.padding for layer in layers if hasattr(layer, "padding")} == {"same", "valid"}
    assert {type(layer).__name__ for layer in layers} == set(twin._LAYERS)
