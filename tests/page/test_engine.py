"""Every layer of every network in the browser is what Keras computes."""

import base64
from typing import get_args

import numpy as np
import pytest
from conftest import ROOT
from made_run import images_of_shapes, network_of, shake

from pipeline.config.model import Activation
from pipeline.network.checkpoint import read_layers
from pipeline.network.outputs import extractor
from pipeline.page.networks import described

pytest_plugins = ["page_fixtures"]

RELATIVE, COUNT = 1e-4, 100
# Of one pass, so that it can follow the pen.
MILLISECONDS = {"model=cnn": 50, "model=alexnet": 250}
NETWORKS = {
    **{
        f"model={path.stem}": ([f"model={path.stem}"], (28, 28, 1))
        for path in (ROOT / "conf/model").iterdir()
    },
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
  const variable = ({ name }, kind) => new Float32Array(bytes(variables[`${name}/${kind}`]).buffer);
  const built = filterscope.buildNetwork(layers, variable);
  const pixels = bytes(images);
  const outputs = built.steps.map((step) => new Float32Array((pixels.length / size) * step.output.length));
  const times = [];
  for (let n = 0; n * size < pixels.length; n++) {
    const start = performance.now();
    filterscope.run(built, pixels.subarray(n * size, (n + 1) * size));
    times.push(performance.now() - start);
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
  return [times, built.steps.map((step, i) => [step.name, text(outputs[i])])];
}"""


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_browser_computes_what_keras_does_and_fast_enough(standing, tmp_path, name):
    overrides, shape = NETWORKS[name]
    network = network_of(*overrides, shape=shape)
    shake(network, 11)
    network.save(tmp_path / "network.keras")
    layers = read_layers(tmp_path / "network.keras", recorded=False)
    variables = {
        f"{layer.name}/{kind}": text(array)
        for layer in network.layers
        for kind, array in zip(("kernel", "bias"), layer.get_weights(), strict=False)
    }
    images = images_of_shapes(COUNT, shape, 5)
    about = [described(layer) for layer in layers]
    times, contents = standing.evaluate(RUN, [about, variables, text(images), images[0].size])
    assert np.median(times) < MILLISECONDS.get(name, np.inf)
    model = extractor(network, [layer.name for layer in network.layers])
    expected = model([(images / 255.0).astype(np.float32)])
    assert [of for of, _ in contents] == list(expected)
    for of, content in contents:
        values = np.asarray(expected[of])
        found = np.frombuffer(base64.b64decode(content), np.float32).reshape(values.shape)
        # Each image's outputs, measured against its largest one.
        scale = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True)
        assert (np.abs(found - values) <= RELATIVE * scale).all()
    assert (found.argmax(axis=1) == values.argmax(axis=1)).all()


def test_the_networks_here_have_every_layer_activation_and_padding_of_the_schema():
    networks = [network_of(*overrides, shape=shape) for overrides, shape in NETWORKS.values()]
    layers = [layer for network in networks for layer in network.layers]
    activations = {layer.activation.__name__ for layer in layers if hasattr(layer, "activation")}
    assert activations == {*get_args(Activation), "softmax"}
    assert {layer.padding for layer in layers if hasattr(layer, "padding")} == {"same", "valid"}
    kinds = {"Conv2D", "MaxPooling2D", "AveragePooling2D", "LocalResponseNormalization"}
    assert {type(layer).__name__ for layer in layers} == kinds | {"Flatten", "Dropout", "Dense"}
