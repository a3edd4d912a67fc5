"""Whatever a user or a file gives is read, or refused in one line: no traceback, no end of memory.

Hypothesis makes the inputs: in `make test` some, always the same; in `make fuzz` many, others each time.
"""

import contextlib
import gzip
import hashlib
import io
import json
import shutil
import zipfile

import h5py
import numpy as np
import pytest
from conftest import ROOT, composed
from hostile import ODD, VALUES, archives, arrays, damaged, edited, fuzz, json_text
from hypothesis import strategies as st
from made_run import CLASSES, network_of, write_run
from PIL import Image

from pipeline.config import composing
from pipeline.config.params import check, read_values
from pipeline.config.schema import Config
from pipeline.data import idx, image
from pipeline.hydra_plugins import filterscope  # noqa: F401  (registers what conf/ needs to be composed)
from pipeline.network.checkpoint import load_model, read_layers
from pipeline.stages import fetch

CONF = ROOT / "conf"
DEFAULTS = read_values(ROOT / "params.yaml")
SHAPE = (8, 8, 1)
SMALL = ("data=digits", "model.filters=[2]", "model.dense=[]")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run without training, whose files are to be spoilt."""
    folder = tmp_path_factory.mktemp("made")
    write_run(folder, network_of(*SMALL, shape=SHAPE), CLASSES)
    return folder


# --- configuration


KEYS = [
    *(f"{section}.{key}" for section, part in DEFAULTS.items() if isinstance(part, dict) for key in part),
    *(key for key in DEFAULTS if not isinstance(DEFAULTS[key], dict)),
    *(path.name for path in CONF.iterdir() if path.is_dir()),
    *("", "x", "data.x.y", "model@train", "hydra", "train/model@model"),
]
TEXTS = st.one_of(
    VALUES.map(lambda value: json.dumps(value, ensure_ascii=False)),
    st.sampled_from([str(value) for value in ODD]),
    st.sampled_from(
        ["null", "[", "{a:1}", "[1e400]", "digits,npz", "range(1,3)", "${data}", "${oc.env:X}", "'"]
    ),
)
PREFIXES = st.sampled_from(["", "", "", "+", "++", "~"])
OVERRIDES = st.lists(
    st.builds("{}{}={}".format, PREFIXES, st.sampled_from(KEYS), TEXTS), min_size=1, max_size=2
)


def test_overrides(capsys):
    found = ["~model@train=0", "train/model@model=[null]", "train/model@model=[[]]", "model@train=0", "=1"]
    fuzz(OVERRIDES, lambda given: composing.compose(CONF, given), *([one] for one in found))


def test_values():
    fuzz(edited(DEFAULTS), lambda values: check(Config, values))


# --- data


def some(shape, dtype="u1", top=3):
    return (np.arange(int(np.prod(shape))) % top).reshape(shape).astype(dtype)


NPZ = {
    "x_train": some((6, 4, 4), top=256),
    "y_train": some(6, "<i8"),
    "x_test": some((4, 4, 4), top=256),
    "y_test": some((4, 1)),
    "classes": np.array(["a", "b", "c"]),
}


def test_npz_of_a_user(tmp_path):
    given, raw = tmp_path / "given", tmp_path / "raw"
    given.mkdir()
    cfg = composed(
        "data=npz",
        f"data.folder={given}",
        "data.image_size=[4,4]",
        "model.padding=same",
        "model.pool=none",
    )

    def read(content):
        (given / "a.npz").write_bytes(content)
        fetch.fetch(cfg, given, raw)

    fuzz(archives(NPZ), read)


def idx_file(array):
    return b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def test_idx(tmp_path):
    def read(content):
        (tmp_path / "a.gz").write_bytes(content)
        idx.read_idx(tmp_path, "a", hashlib.sha256(b"another").hexdigest())

    fuzz(damaged(*map(gzip.compress, [idx_file(some((3, 4, 4))), idx_file(some(5))])), read)


def drawn(mode, form):
    stream = io.BytesIO()
    Image.fromarray(some((9, 7, 3), top=256)).convert(mode).save(stream, form)
    return stream.getvalue()


PICTURES = [
    *(drawn(mode, "PNG") for mode in ("L", "RGB", "RGBA", "P", "1", "LA", "I;16")),
    *(drawn("RGB", form) for form in ("JPEG", "BMP", "GIF", "WEBP", "PPM", "TIFF")),
    *(drawn(mode, "TIFF") for mode in ("F", "CMYK", "I;16")),
]


def test_picture():
    def read(given):
        content, shape, resize = given
        image.decode(content, "a", shape, resize=resize)

    shapes = st.sampled_from([(4, 4, 1), (3, 5, 3)])
    fuzz(st.tuples(damaged(*PICTURES), shapes, st.sampled_from(["pad", "stretch"])), read)


NAMES = st.sampled_from(
    ["a", "b", ".x", "눈", "a b", "train", "test", "[b]", "=1", "\udcff", "x" * 120, "a\nb"]
)


def test_folder_of_pictures(tmp_path):
    given, raw = tmp_path / "given", tmp_path / "raw"
    cfg = composed(
        "data=image_folder",
        f"data.folder={given}",
        "data.image_size=[4,4]",
        "data.channels=1",
        "model.padding=same",
        "model.pool=none",
    )
    contents = st.sampled_from(PICTURES) | damaged(*PICTURES[:2])
    trees = st.dictionaries(NAMES, st.dictionaries(NAMES, contents | st.none(), max_size=4), max_size=4)

    def read(tree):
        shutil.rmtree(given, ignore_errors=True)
        given.mkdir()
        for folder, files in tree.items():
            (given / folder).mkdir()
            for name, content in files.items():
                path = given / folder / name
                path.mkdir() if content is None else path.write_bytes(content)
        fetch.fetch(cfg, given, raw)

    fuzz(trees, read)


# --- networks


def sealed(entries):
    """A `.keras` archive with the right record of whatever is in it."""
    record = {name: hashlib.sha256(entries[name]).hexdigest() for name in ("config.json", "model.weights.h5")}
    with contextlib.suppress(ValueError, TypeError):
        metadata = json.loads(entries["metadata.json"])
        entries = {**entries, "metadata.json": json.dumps({**metadata, "sha256": record}).encode()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


@st.composite
def rewritten(draw, content):
    """Weights of which one array is another, or has another attribute or name."""
    stream, other = io.BytesIO(content), draw(arrays())
    with h5py.File(stream, "a") as weights:
        names = []
        weights.visit(names.append)
        name = draw(st.sampled_from(names))
        kind = draw(st.sampled_from(["array", "name", "gone", "attribute"]))
        if kind == "name":
            weights.move(name, f"{name}x")
        elif kind == "attribute":
            weights[name].attrs["name"] = draw(st.sampled_from(["x", 3, b"\xff"]))
        else:
            del weights[name]
        if kind == "array":
            with contextlib.suppress(TypeError):
                weights[name] = other
    return stream.getvalue()


def test_checkpoint(made, tmp_path):
    whole = (made / "models/best.keras").read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    weights = entries["model.weights.h5"]
    spoilt = st.one_of(
        st.fixed_dictionaries({"config.json": json_text(json.loads(entries["config.json"]))}),
        st.fixed_dictionaries({"metadata.json": json_text(json.loads(entries["metadata.json"]))}),
        st.fixed_dictionaries({"model.weights.h5": rewritten(weights) | damaged(weights)}),
    )
    path = tmp_path / "a.keras"

    def read(content):
        path.write_bytes(content)
        read_layers(path, recorded=False)
        load_model(path, SHAPE, len(CLASSES))

    fuzz(damaged(whole) | spoilt.map(lambda part: sealed({**entries, **part})), read)
