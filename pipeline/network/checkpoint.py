"""Saved networks: `.keras` archives as arrays, without TensorFlow, and as Keras models."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.arrays import Array
from pipeline.base.errors import InputError
from pipeline.base.files import missing, replaced

if TYPE_CHECKING:
    import keras
import math

from pipeline.network.layers import local_response_normalization_class
from pipeline.network.shapes import Shape, window_output
from pipeline.network.start import import_keras


def write_canonical_keras(source: Path, path: Path) -> None:
    """Copy a `.keras` archive so that equal models are equal bytes.

    Keras 3 writes the date of saving, the zip entries' times and memory addresses
    (`shared_object_id`). The date and times become 1980-01-01, the addresses 1, 2, 3, ... in order
    of appearance, which keeps what they are for: to tell which objects are shared.
    """
    with zipfile.ZipFile(source) as archive:
        entries = {name: archive.read(name) for name in sorted(archive.namelist())}
    network = json.loads(entries["config.json"])
    _renumber_shared_objects(network, {})
    metadata = {**json.loads(entries["metadata.json"]), "date_saved": "1980-01-01@00:00:00"}
    entries["config.json"] = json.dumps(network, indent=1).encode()
    entries["metadata.json"] = json.dumps(metadata).encode()
    with replaced(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def _renumber_shared_objects(node: Any, numbers: dict[int, int]) -> None:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    if isinstance(node, dict) and "shared_object_id" in node:
        address = node["shared_object_id"]
        node["shared_object_id"] = numbers.setdefault(address, len(numbers) + 1)
    for child in children:
        _renumber_shared_objects(child, numbers)


def read_keras(path: Path) -> tuple[list[dict[str, Any]], dict[str, list[Array]]]:
    """Read a `.keras` archive of a Sequential model without TensorFlow.

    Returns:
        The layers' configurations in order (`class_name`, `config`, ...), and for each layer name
        its variables in Keras' order (kernel, bias), float32.

    Raises:
        InputError: the file is missing, damaged, or not such an archive.
    """
    import h5py

    try:
        with zipfile.ZipFile(path) as archive:
            network = json.loads(archive.read("config.json"))
            with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
                groups = [group["vars"] for group in weights["layers"].values()]
                variables = {
                    str(group.attrs["name"]): [group[str(i)][()] for i in range(len(group))]
                    for group in groups
                }
        return network["config"]["layers"], variables
    except FileNotFoundError:
        raise InputError(missing(path)) from None
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not a Keras archive of a Sequential model: {error}") from None


def load_model(path: Path, input_shape: Shape) -> "keras.Model":
    """Load a saved network for inference, and refuse one that does not fit the data.

    Args:
        path: a `.keras` archive, as stage `train` writes it.
        input_shape: (H, W, C) of the images that it will be given.

    Raises:
        InputError: no such file, not a Keras archive, or made for images of another shape.
    """
    keras = import_keras()
    local_response_normalization_class()
    if not path.is_file():
        raise InputError(f"{path} is missing: run `dvc repro train`, or `dvc pull` if it was pushed")
    try:
        network = keras.models.load_model(path, compile=False)
    except (ValueError, OSError, KeyError, TypeError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise InputError(f"{path} cannot be loaded as a Keras model: {first_line}") from None
    received = tuple(network.input_shape[1:])
    if received != tuple(input_shape):
        raise InputError(
            f"{path} takes images of shape {received}, the data has {tuple(input_shape)};"
            " run `dvc repro train` to train on this data"
        )
    return network


@dataclass(frozen=True)
class Layer:
    """One layer of a saved network.

    Attributes:
        kind: Keras' class name, e.g. "Conv2D".
        name: its name in the network.
        config: Keras' configuration of it.
        input_shape: without the batch, e.g. (28, 28, 1).
        output_shape: likewise.
        variables: kernel and bias, float32, or none.
    """

    kind: str
    name: str
    config: dict[str, Any]
    input_shape: Shape
    output_shape: Shape
    variables: list[Array]

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(array.size for array in self.variables)

    @property
    def kernel(self) -> Array:
        """The weights, without the bias."""
        return self.variables[0]


def read_layers(path: Path) -> list[Layer]:
    """The layers of a saved Sequential network, read without TensorFlow; see `read_keras`, `layers`."""
    return layers(*read_keras(path))


def layers(configs: list[dict[str, Any]], variables: dict[str, list[Array]]) -> list[Layer]:
    """The layers of a Sequential network, input first, with their shapes worked out.

    Args:
        configs: Keras' configuration of each layer, as `read_keras` returns it.
        variables: arrays by layer name.

    Raises:
        InputError: a kind of layer that this project does not build.
    """
    found: list[Layer] = []
    for entry in configs:
        kind, config = entry["class_name"].split(">")[-1], entry["config"]
        shape = found[-1].output_shape if found else tuple(config["batch_shape"][1:])
        output = _output_shape(kind, config, shape)
        arrays = variables.get(config["name"], [])
        found.append(Layer(kind, config["name"], config, shape, output, arrays))
    return found


def _output_shape(kind: str, config: dict[str, Any], shape: Shape) -> Shape:
    if kind in ("InputLayer", "Dropout", "LocalResponseNormalization"):
        return shape
    if kind == "Flatten":
        return (math.prod(shape),)
    if kind == "Dense":
        return (config["units"],)
    if kind in ("Conv2D", "MaxPooling2D", "AveragePooling2D"):
        windows = config["kernel_size"] if kind == "Conv2D" else config["pool_size"]
        sizes = zip(shape[:2], windows, config["strides"], strict=True)
        height, width = (window_output(*size, config["padding"]) for size in sizes)
        return height, width, config.get("filters", shape[2])
    raise InputError(f"layer {config['name']}: received a {kind}, expected a layer that `train` builds")


def convolutions(network: list[Layer]) -> list[Layer]:
    """The convolution layers, in order."""
    return [layer for layer in network if layer.kind == "Conv2D"]


def sees_colours(network: list[Layer], layer: Layer) -> bool:
    """Whether a layer is the first convolution of a network for colour images, of three channels."""
    return layer is convolutions(network)[0] and layer.kernel.shape[2] == 3
