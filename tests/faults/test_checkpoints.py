"""A checkpoint is what `train` saved, or is refused in one line by all that read it."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.network import checkpoint
from pipeline.network.checkpoint import load_model, read_layers, save_network, write_canonical_keras
from pipeline.network.layers import build_model


@pytest.fixture(scope="module")
def saved(trained) -> dict[str, bytes]:
    """The files in the archive of a trained network."""
    with zipfile.ZipFile(trained.folder / "models/best.keras") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path, entries, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def recorded(path, entries):
    """An archive with the SHA-256 of its parts, as if `train` had saved it."""
    plain = written(path.with_suffix(".plain"), entries)
    write_canonical_keras(plain, path)
    return path


def edited(saved, change):
    """The weights of a network, changed by a function of the open HDF5 file."""
    stream = io.BytesIO(saved["model.weights.h5"])
    with h5py.File(stream, "a") as weights:
        change(weights)
    return {**saved, "model.weights.h5": stream.getvalue()}


def configured(saved, change):
    """The configuration of a network, changed by a function of it."""
    network = json.loads(saved["config.json"])
    change(network["config"]["layers"])
    return {**saved, "config.json": json.dumps(network).encode()}


def kernel(weights) -> h5py.Group:
    return weights["layers/conv2d/vars"]


def refused(path, match):
    for read in (read_layers, lambda p: load_model(p, (8, 8, 1), 10)):
        with pytest.raises(InputError, match=match) as error:
            read(path)
        assert "\n" not in str(error.value)


def replace_kernel(weights, make):
    shape = kernel(weights)["0"].shape
    del kernel(weights)["0"]
    make(kernel(weights), shape)


def external(secret):
    def make(group, shape):
        group.create_dataset("0", shape, "f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])

    return make


def virtual(secret):
    def make(group, shape):
        layout = h5py.VirtualLayout(shape, "f4")
        layout[:] = h5py.VirtualSource(str(secret), "x", shape)
        group.create_virtual_dataset("0", layout)

    return make


def linked(secret):
    def make(group, shape):
        group["0"] = h5py.ExternalLink(str(secret), "x")

    return make


@pytest.mark.parametrize("way", [external, virtual, linked])
def test_no_checkpoint_reads_another_file(saved, tmp_path, way):
    secret = tmp_path / "secret"
    with h5py.File(secret, "w") as other:
        other["x"] = np.full((3, 3, 1, 8), 7, "f4")
    entries = edited(saved, lambda weights: replace_kernel(weights, way(secret)))
    refused(recorded(tmp_path / "a.keras", entries), "another file|link to elsewhere")


def far_too_large(group, shape):
    group.create_dataset("0", (10**6, 10**5), "f4", chunks=(1000, 1000), compression="gzip")


def round_in_circles(group, shape):
    group["0"] = group.parent


@pytest.mark.parametrize(
    ("make", "words"), [(far_too_large, "mean .* bytes in a file of"), (round_in_circles, "is there twice")]
)
def test_weights_that_mean_more_than_the_file_are_refused(saved, tmp_path, make, words):
    refused(
        recorded(tmp_path / "a.keras", edited(saved, lambda weights: replace_kernel(weights, make))), words
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(saved, tmp_path, value):
    def change(weights):
        kernel(weights)["0"][0, 0, 0, 3] = value

    words = r"layer conv2d: received 1 of 80 weights that are not finite; .* lower train\.learning_rate"
    refused(recorded(tmp_path / "a.keras", edited(saved, change)), words)


def test_weights_that_are_not_finite_are_not_saved(small_network, tmp_path):
    network = small_network()
    network.set_weights([np.where(array == array.max(), np.nan, array) for array in network.get_weights()])
    with pytest.raises(InputError, match=r"weights that are not finite.* lower train\.learning_rate"):
        save_network(network, tmp_path / "best.keras")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_changed_since_they_were_saved_are_noticed(saved, tmp_path):
    def change(weights):
        kernel(weights)["0"][0, 0, 0, 3] += 1

    changed = edited(saved, change)
    assert changed["model.weights.h5"] != saved["model.weights.h5"]
    refused(written(tmp_path / "a.keras", changed), "not those of its SHA-256")
    metadata = json.loads(saved["metadata.json"])
    del metadata["sha256"]
    unrecorded = written(tmp_path / "b.keras", {**changed, "metadata.json": json.dumps(metadata)})
    refused(unrecorded, "without their SHA-256")
    # Those of early versions of this project, which a comparison may meet in the history.
    assert read_layers(unrecorded, recorded=False)


def set_units(layers):
    layers[-1]["config"]["units"] = 10**9


def rename_class(layers):
    layers[1].update(module="os", class_name="Conv2D", registered_name="system")


def use_lambda(layers):
    layers[2].update(class_name="Lambda")


@pytest.mark.parametrize("change", [set_units, rename_class, use_lambda])
def test_layers_that_train_does_not_build_are_refused(saved, tmp_path, change):
    words = "has weights of|expected Keras' own classes|expected a layer that `train` builds"
    refused(recorded(tmp_path / "a.keras", configured(saved, change)), words)


@pytest.mark.parametrize("kind", ["Functional", "Model"])
def test_another_kind_of_model_is_refused(saved, tmp_path, kind):
    network = {**json.loads(saved["config.json"]), "class_name": kind}
    entries = {**saved, "config.json": json.dumps(network).encode()}
    refused(recorded(tmp_path / "a.keras", entries), f"received a {kind} model")


def deep_json(saved, path):
    return written(path, {**saved, "config.json": b"[" * 100_000})


def packed(saved, path):
    return written(path, saved, zipfile.ZIP_DEFLATED)


def another_packing(saved, path):
    content = bytearray(written(path, saved).read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 10 : place + 12] = (99).to_bytes(2, "little")
    path.write_bytes(content)
    return path


def cut(saved, path):
    path.write_bytes(written(path, saved).read_bytes()[:2000])
    return path


def another_file(saved, path):
    return written(path, {**saved, "../evil": b""})


def empty(saved, path):
    path.touch()
    return path


@pytest.mark.parametrize("damage", [deep_json, packed, another_packing, cut, another_file, empty])
def test_a_damaged_archive_is_one_line(saved, tmp_path, damage):
    refused(damage(saved, tmp_path / "a.keras"), "is not a Keras archive of a Sequential model")


def test_a_fault_of_our_own_is_not_called_a_damaged_file(trained, monkeypatch):
    def fail(*_):
        raise KeyError("ours")

    path = trained.folder / "models/best.keras"
    monkeypatch.setattr(checkpoint, "_check_layers", fail)
    with pytest.raises(KeyError):
        read_layers(path)
    monkeypatch.undo()
    monkeypatch.setattr("keras.Layer.set_weights", fail)
    with pytest.raises(KeyError):
        load_model(path, (8, 8, 1))


def test_a_network_for_other_classes_is_refused(trained):
    with pytest.raises(InputError, match="tells 10 classes apart, the data has 3"):
        load_model(trained.folder / "models/best.keras", (8, 8, 1), 3)


def test_a_saved_network_has_no_argument_that_earlier_versions_of_keras_refuse(compose, tmp_path):
    network = build_model(compose("model.filters=[2]").model, input_shape=(8, 8, 1), num_classes=3)
    save_network(network, tmp_path / "best.keras")
    with zipfile.ZipFile(tmp_path / "best.keras") as archive:
        saved = archive.read("config.json")
    assert b"kernel_initializer" in saved
    # Keras 3.14 and earlier stop at these; 3.3 to 3.14 were tried without them.
    assert b"_axes" not in saved
    assert b"quantization_config" not in saved
