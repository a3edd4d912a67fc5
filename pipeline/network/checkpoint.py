"""Saved networks: `.keras` archives as arrays, without TensorFlow, and as Keras models."""

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.base.arrays import Array
from pipeline.base.errors import InputError
from pipeline.base.files import read_bytes, replaced

if TYPE_CHECKING:
    import keras

from pipeline.config.shapes import Shape, window_output
from pipeline.network.layers import local_response_normalization_class
from pipeline.network.start import import_keras

NETWORK, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
OWN_LAYER = "filterscope>LocalResponseNormalization"
# Of initializers since Keras 3.15, of layers since 3.13.
NEW_ARGUMENTS = ("input_axes", "output_axes", "quantization_config")
MAX_ARCHIVE_BYTES = 8 * 2**30
# What the parsers of the three formats raise of a damaged file.
ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError)
HDF5_ERRORS = (OSError, RuntimeError, LookupError, TypeError, AttributeError, ArithmeticError, ValueError)
# And what values of other kinds and sizes than Keras writes lead to.
JSON_ERRORS = (RecursionError, LookupError, TypeError, AttributeError, ArithmeticError, ValueError)


def save_network(network: "keras.Sequential", path: Path, metadata: Mapping[str, Any] | None = None) -> None:
    """Save a network so that equal ones are equal bytes, with the SHA-256 of its parts.

    Args:
        network: whose weights have to be finite.
        path: of the archive.
        metadata: JSON values that `metadata.json` gets besides.

    Raises:
        InputError: weights are not finite, which ReLU and pooling may hide from losses and scores.
    """
    wrong = sum(int((~np.isfinite(array)).sum()) for array in network.get_weights())
    if wrong:
        raise InputError(
            f"training: received {wrong} weights that are not finite, expected finite numbers;"
            " lower train.learning_rate"
        )
    with replaced(path) as temporary:
        network.save(temporary)
        write_canonical_keras(temporary, temporary, metadata or {})


def write_canonical_keras(source: Path, path: Path, more: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Copy a `.keras` archive so that equal models are equal bytes, and a change of them is noticed.

    Keras 3 writes the date of saving, the zip entries' times and memory addresses
    (`shared_object_id`). The date and times become 1980-01-01, the addresses 1, 2, 3, ... in order
    of appearance, which keeps what they are for: to tell which objects are shared. Arguments that
    earlier versions of Keras 3 do not know are left out where they are None, as by default.
    `metadata.json` gets the SHA-256 of the other two files, and `more`.
    """
    with zipfile.ZipFile(source) as archive:
        entries = {name: archive.read(name) for name in sorted(archive.namelist())}
    network, numbers = json.loads(entries[NETWORK]), dict[int, int]()
    for node in _mappings(network):
        if "shared_object_id" in node:
            address = node["shared_object_id"]
            node["shared_object_id"] = numbers.setdefault(address, len(numbers) + 1)
        for name in NEW_ARGUMENTS:
            if name in node and node[name] is None:
                del node[name]
    entries[NETWORK] = json.dumps(network, indent=1).encode()
    metadata = {**json.loads(entries[METADATA]), "date_saved": "1980-01-01@00:00:00", **more}
    entries[METADATA] = json.dumps({**metadata, "sha256": _digests(entries)}).encode()
    with replaced(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def _mappings(values: Any) -> Iterator[dict[str, Any]]:
    """Each mapping in JSON values, outer ones first, in order of appearance."""
    waiting = [values]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            node = list(node.values())
        waiting += reversed(node) if isinstance(node, list) else []


def _digests(entries: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 (hex) of the network and its weights, by the name of their file in the archive."""
    return {name: hashlib.sha256(entries[name]).hexdigest() for name in (NETWORK, WEIGHTS)}


def _read(path: Path, recorded: bool) -> tuple[dict[str, Any], list["Layer"]]:
    """Keras' configuration of a saved network, to make it anew, and what `read_layers` returns."""
    try:
        content = read_bytes(path, MAX_ARCHIVE_BYTES)
    except FileNotFoundError:
        raise InputError(
            f"{path} is missing: run `dvc repro train`, or `dvc pull` if it was pushed"
        ) from None
    with _parsing(path, ZIP_ERRORS):
        entries = _entries(content)
    with _parsing(path, JSON_ERRORS):
        network = json.loads(entries[NETWORK])
        _check_record(entries, recorded)
        _check_classes(network)
        found = layers(network["config"]["layers"], {})
        shapes = [_variable_shapes(layer) for layer in found]
    with _parsing(path, HDF5_ERRORS):
        variables = _read_weights(entries[WEIGHTS])
    found = [replace(layer, variables=variables.get(layer.name, [])) for layer in found]
    with _parsing(path, ()):
        _check_layers(found, shapes)
    return network, found


@contextmanager
def _parsing(path: Path, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Say in one line, with the file's path, what is wrong with it when its parser raises one of these."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except errors as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} is not a Keras archive of a Sequential model: {reason}") from None


def _entries(content: bytes) -> dict[str, bytes]:
    """The three files in an archive; neither packed nor larger than the archive, as Keras leaves them."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = sorted(entry.filename for entry in archive.infolist())
        if names != sorted((NETWORK, WEIGHTS, METADATA)):
            raise ValueError(f"received the files {', '.join(names)[:200]}")
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise ValueError(f"{entry.filename} is packed, expected it as Keras saves it")
        return {name: archive.read(name) for name in names}


def _check_record(entries: Mapping[str, bytes], recorded: bool) -> None:
    record = json.loads(entries[METADATA]).get("sha256")
    if record is None and not recorded:
        return
    if record != _digests(entries):
        received = "without their SHA-256" if record is None else "that are not those of its SHA-256"
        raise InputError(
            f"received a network and weights {received}, expected what `train` saved: it was changed, or"
            " another program saved it; run `dvc checkout`, or `dvc repro train`"
        )


def _check_classes(network: dict[str, Any]) -> None:
    """Refuse what would have Keras import or run anything but its own layers and this project's."""
    if network["class_name"] != "Sequential":
        raise ValueError(f"received a {network['class_name']} model")
    for node in _mappings(network):
        if "class_name" in node:
            module, name = node.get("module"), node.get("registered_name")
            known = name in (None, node["class_name"], OWN_LAYER)
            if not known or (name != OWN_LAYER and str(module).split(".")[0] not in ("keras", "None")):
                raise ValueError(f"it wants {module}.{node['class_name']}, expected Keras' own classes")


def _read_weights(content: bytes) -> dict[str, list[Array]]:
    """The variables of each layer, by its name, in Keras' order (kernel, bias)."""
    import h5py

    with h5py.File(io.BytesIO(content)) as weights:
        _check_hdf5(weights, len(content))
        groups = [group["vars"] for group in weights["layers"].values()]
        return {str(group.attrs["name"]): [group[str(i)][()] for i in range(len(group))] for group in groups}


def _check_hdf5(weights: Any, size: int) -> None:
    """Refuse what could read other files, go round in circles, or take more memory than the file."""
    import h5py

    waiting, seen, total = [weights], set(), 0
    while waiting:
        group = waiting.pop()
        for name in group:
            kind = group.get(name, getlink=True)
            if not isinstance(kind, h5py.HardLink):
                raise ValueError(f"{name} is a link to elsewhere, expected the weights themselves")
            node = group[name]
            address = h5py.h5o.get_info(node.id).addr
            if address in seen:
                raise ValueError(f"{name} is there twice")
            seen.add(address)
            if isinstance(node, h5py.Group):
                waiting.append(node)
            else:
                total += _checked_bytes(name, node)
    if total > size:
        raise ValueError(f"the weights mean {total:,} bytes in a file of {size:,}")


def _checked_bytes(name: str, dataset: Any) -> int:
    """How many bytes a data set of HDF5 means, once it is numbers that lie in the file itself."""
    import h5py

    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu" or dataset.shape is None:
        raise ValueError(f"{name} holds no numbers")
    if dataset.external is not None or dataset.is_virtual:
        raise ValueError(f"{name} lies in another file, expected the weights themselves")
    return int(dataset.nbytes)


def load_model(path: Path, input_shape: Shape, num_classes: int | None = None) -> "keras.Model":
    """Load a saved network for inference, and refuse one that does not fit the data.

    Args:
        path: a `.keras` archive, as stage `train` writes it.
        input_shape: (H, W, C) of the images that it will be given.
        num_classes: K that it has to tell apart; None for whatever number.

    Raises:
        InputError: as `read_layers`, or made for images of another shape or other classes.
    """
    network, found = _read(path, recorded=True)
    received, outputs = found[0].output_shape, found[-1].output_shape[0]
    if received != tuple(input_shape):
        raise InputError(
            f"{path} takes images of shape {received}, the data has {tuple(input_shape)};"
            " run `dvc repro train` to train on this data"
        )
    if num_classes not in (None, outputs):
        raise InputError(
            f"{path} tells {outputs} classes apart, the data has {num_classes};"
            " run `dvc repro train` to train on this data"
        )
    return _made_anew(path, network["config"], found)


def _made_anew(path: Path, configuration: dict[str, Any], found: list["Layer"]) -> "keras.Model":
    keras = import_keras()
    local_response_normalization_class()
    with _parsing(path, JSON_ERRORS):
        # `Sequential.from_config` would build the network anew after each layer.
        made = [keras.saving.deserialize_keras_object(layer) for layer in configuration["layers"]]
        network = keras.Sequential(made, name=configuration["name"])
    # A configuration may have Keras make other weights, such as no bias.
    with _parsing(path, (ValueError,)):
        for layer, saved in zip(network.layers, found[1:], strict=True):
            layer.set_weights(saved.variables)
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


def read_layers(path: Path, *, recorded: bool = True) -> list[Layer]:
    """The layers of a network that `train` saved, input first, read without TensorFlow.

    All of it comes from the bytes of this one file, which are read once.

    Args:
        path: a `.keras` archive.
        recorded: whether it has to have the SHA-256 of its parts, which early ones lack; those that are
            there have to be right.

    Raises:
        InputError: the file is missing, damaged, changed since it was saved, no such archive, refers to
            other files, has layers that `train` does not build, or weights that are not finite.
    """
    return _read(path, recorded)[1]


def layers_of(network: "keras.Sequential") -> list[Layer]:
    """The layers of a Keras network, without their weights; Keras' own list lacks the input."""
    return layers(network.get_config()["layers"], {})


def layers(configs: list[dict[str, Any]], variables: dict[str, list[Array]]) -> list[Layer]:
    """The layers of a Sequential network, input first, with their shapes worked out.

    Args:
        configs: Keras' configuration of each layer, as a `.keras` archive has it.
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


def _check_layers(found: list[Layer], shapes: list[list[Shape]]) -> None:
    """Refuse layers that do not fit their weights or each other, and weights that are not finite."""
    if len(found) < 2 or found[0].kind != "InputLayer" or found[-1].kind != "Dense":
        kinds = ", ".join(layer.kind for layer in found) or "none"
        raise InputError(f"received the layers {kinds[:200]}, expected an input first and classes last")
    if len({layer.name for layer in found}) < len(found):
        raise InputError("two of its layers have the same name")
    for layer, expected in zip(found, shapes, strict=True):
        received = [array.shape for array in layer.variables]
        if received != expected:
            raise InputError(f"layer {layer.name} has weights of {received}, expected {expected}")
        if any(array.dtype != np.float32 for array in layer.variables):
            raise InputError(f"layer {layer.name} has other numbers than float32")
        bad = sum(int((~np.isfinite(array)).sum()) for array in layer.variables)
        if bad:
            raise InputError(
                f"layer {layer.name}: received {bad} of {layer.parameters} weights that are not finite;"
                " train again with a lower train.learning_rate"
            )


def _variable_shapes(layer: Layer) -> list[Shape]:
    """Shapes of the kernel and the bias that a layer of this configuration has."""
    if layer.kind == "Dense" and len(layer.input_shape) == 1:
        return [(layer.input_shape[0], layer.config["units"]), (layer.config["units"],)]
    if layer.kind == "Conv2D":
        filters = layer.config["filters"]
        return [(*layer.config["kernel_size"], layer.input_shape[2], filters), (filters,)]
    return []


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
        return height, width, config["filters"] if kind == "Conv2D" else shape[2]
    raise InputError(f"layer {config['name']}: received a {kind}, expected a layer that `train` builds")


def convolutions(network: list[Layer]) -> list[Layer]:
    """The convolution layers, in order."""
    return [layer for layer in network if layer.kind == "Conv2D"]


def sees_colours(network: list[Layer], layer: Layer) -> bool:
    """Whether a layer is the first convolution of a network for colour images, of three channels."""
    return layer is convolutions(network)[0] and layer.kernel.shape[2] == 3
