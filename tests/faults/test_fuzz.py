"""Whatever a user or a file gives is read, or refused in one line: no traceback, no end of memory.

Hypothesis makes the inputs: in `make test` some, always the same; in `make fuzz` many, others each time.
"""

import contextlib
import gzip
import hashlib
import io
import json
import shutil
import sys
import zipfile
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import yaml
from conftest import ROOT, Project, composed
from hostile import ODD, VALUES, archives, arrays, damaged, edited, fuzz, json_text, npy, survives
from hypothesis import strategies as st
from made_run import CLASSES, network_of, write_run
from PIL import Image

from pipeline.commands import compare
from pipeline.config import composing
from pipeline.config.params import check, load, read_values
from pipeline.config.schema import Config
from pipeline.data import idx, image
from pipeline.data.prepared import read_chosen, read_prepared
from pipeline.hydra_plugins.filterscope import check_network
from pipeline.network.checkpoint import load_model, read_layers
from pipeline.runs import reading, tables
from pipeline.stages import evaluate, fetch, prepare, report
from pipeline.sweeps import plan, screen, states
from pipeline.sweeps.job import Job
from pipeline.training import state

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


@pytest.fixture
def spoilt(made, tmp_path):
    """Reads with one file of a copy of that run in the place of the right one."""
    folder = tmp_path / "run"
    shutil.copytree(made, folder)

    def read(name, content, reader):
        right = (folder / name).read_bytes()
        try:
            (folder / name).write_bytes(content)
            return reader(folder)
        finally:
            (folder / name).write_bytes(right)

    return read


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


HYDRAS = ("hydra/launcher=joblib", "hydra/sweeper=optuna", "hydra.job.name=x", "hydra.sweeper.n_trials=3")
SETTINGS = st.builds(
    "{}={}".format,
    st.sampled_from(
        [
            "hydra/launcher",
            "hydra/sweeper",
            "hydra.job.name",
            "hydra.sweeper.n_trials",
            "hydra.launcher.n_jobs",
        ]
    ),
    TEXTS,
)


def test_the_command_line_of_a_sweep():
    lists = st.lists(st.sampled_from(HYDRAS) | SETTINGS, max_size=2)
    inputs = st.builds(lambda own, hydras: [*own, *hydras], OVERRIDES, lists)
    fuzz(inputs, lambda given: plan.plan(CONF, given), ["~page=0"], ['data.name="\ud800"'])


def test_values():
    fuzz(edited(DEFAULTS), lambda values: check_network(check(Config, values)))


def test_text_of_params(tmp_path):
    path = tmp_path / "params.yaml"

    def read(content):
        path.write_bytes(content)
        check_network(load(Config, path))

    texts = edited(DEFAULTS).map(
        lambda values: yaml.safe_dump(values, allow_unicode=True).encode("utf-8", "replace")
    )
    fuzz(damaged((ROOT / "params.yaml").read_bytes()) | texts, read)


def test_text_of_conf(tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    names = ("config.yaml", "train/default.yaml", "data/fashion_mnist.yaml", "model/cnn.yaml")
    inputs = st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), damaged((CONF / name).read_bytes()))
    )

    def read(given):
        name, content = given
        (conf / name).write_bytes(content)
        try:
            composing.register(conf, check_network)
            composing.compose(conf)
        finally:
            composing.register(CONF, check_network)
            shutil.copy(CONF / name, conf / name)

    fuzz(inputs, read)


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


def array_files(folder):
    """Each `.npy` of a folder, to be damaged, or to be another array."""
    return st.sampled_from(sorted(path.name for path in folder.glob("*.npy"))).flatmap(
        lambda name: st.tuples(st.just(name), damaged((folder / name).read_bytes()) | arrays().map(npy))
    )


def test_prepared_data(made, spoilt):
    about = json.loads((made / "prepared/dataset.json").read_text())
    inputs = array_files(made / "prepared") | st.tuples(st.just("dataset.json"), json_text(about))

    def read(folder):
        found = read_prepared(folder / "prepared")
        for split in ("train", "validation", "test"):
            found.images(split)[:]
            found.labels(split)
        read_chosen(found, [{"split": "source", "index": 0}, {"split": "test", "index": 3}])

    fuzz(inputs, lambda given: spoilt(f"prepared/{given[0]}", given[1], read))


def test_raw_data(tmp_path):
    given, raw = tmp_path / "given", tmp_path / "raw"
    given.mkdir()
    np.savez(given / "a.npz", **{**NPZ, "x_train": some((30, 4, 4)), "y_train": some(30)})
    cfg = composed(
        "data=npz",
        f"data.folder={given}",
        "data.image_size=[4,4]",
        "model.padding=same",
        "model.pool=none",
        "visualize.images=[{split: train, index: 0}]",
    )
    fetch.fetch(cfg, given, raw)
    about = json.loads((raw / "dataset.json").read_text())
    inputs = array_files(raw) | st.tuples(st.just("dataset.json"), json_text(about))

    def read(file):
        name, content = file
        right = (raw / name).read_bytes()
        try:
            (raw / name).write_bytes(content)
            prepare.prepare(cfg, raw, tmp_path / "prepared")
        finally:
            (raw / name).write_bytes(right)

    about["sha256"].pop("test_labels")
    found = [json.dumps(about), json.dumps({**about, "sha256": {}}), "0"]
    zero = ("test_images.npy", npy(np.uint8(0)))
    fuzz(inputs, read, zero, *(("dataset.json", text.encode()) for text in found))


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


def test_state_of_a_training(tmp_path):
    history = [{"epoch": 1, "loss": 1.0, "accuracy": 0.1, "val_loss": 2.0, "val_accuracy": 0.2}]
    kept = state.TrainingState(history, 1, 0, [some((2, 2), "f4")], {"conv2d/kernel": some((2, 1), "f2")})
    variable = SimpleNamespace(numpy=lambda: some((2, 2), "f4"), assign=lambda value: None, shape=(2, 2))
    packed = state.pack(kept, [variable], "digest")
    about = json.loads(packed["about"].tobytes())
    others = edited(about).map(
        lambda value: {**packed, "about": np.frombuffer(json.dumps(value).encode(), "u1")}
    )
    path = tmp_path / "state.npz"

    def read(content):
        path.write_bytes(content)
        state.unpack(state.read_state(path), [variable], "digest")

    stream = io.BytesIO()
    np.savez(stream, **{**packed, "about": np.frombuffer(b"0", "u1")})
    fuzz(archives(packed) | others.flatmap(archives), read, stream.getvalue())


# --- what a run wrote


def test_files_of_the_page(made, spoilt):
    cfg = composed(*SMALL, "visualize.images=[{split: train, index: 0}]")
    epochs = dict(np.load(made / "models/epochs.npz"))
    names = [f"reports/{name}.json" for name in report.REPORTS]
    inputs = st.one_of(
        st.tuples(st.just("models/epochs.npz"), archives(epochs)),
        st.sampled_from(names).flatmap(
            lambda name: st.tuples(st.just(name), json_text(json.loads((made / name).read_text())))
        ),
        st.sampled_from(["reports/history.tsv", "reports/classes.csv", "reports/confusion.csv"]).flatmap(
            lambda name: st.tuples(st.just(name), damaged((made / name).read_bytes()))
        ),
    )

    def read(folder):
        paths = folder / "prepared", folder / "models", folder / "reports"
        report.report(cfg, *paths, ROOT / "pipeline/page/browser", folder / "page.html")

    found = [("reports/confusion.csv", b"\x80"), ("reports/classes.csv", b"a\rb\nc\n")]
    fuzz(inputs, lambda given: spoilt(*given, read), *found)


def test_history(made, spoilt):
    history = (made / "reports/history.tsv").read_bytes()
    fuzz(
        damaged(history),
        lambda content: spoilt(
            "reports/history.tsv",
            content,
            lambda folder: evaluate._read_history(folder / "reports/history.tsv"),
        ),
    )


LOCK = {
    "schema": "2.0",
    "stages": {
        name: {
            "cmd": "x",
            "deps": [{"path": "data/prepared", "md5": "a.dir"}],
            "params": {"params.yaml": {"seed": 42}},
            "outs": [{"path": "models/best.keras", "md5": "b"}],
        }
        for name in ("train", "evaluate")
    },
}


def test_runs_that_are_compared(made, spoilt, tmp_path):
    metrics = json.loads((made / "reports/metrics.json").read_text())
    (tmp_path / "run/params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (tmp_path / "run/dvc.lock").write_text(yaml.safe_dump(LOCK))
    Project.existing(tmp_path / "run").run("git", "init", "--quiet")
    Project.existing(tmp_path / "run").commit()
    inputs = st.one_of(
        st.tuples(st.just("reports/metrics.json"), json_text(metrics)),
        st.tuples(st.just("dvc.lock"), json_text(LOCK)),
        st.tuples(st.just("params.yaml"), json_text(DEFAULTS)),
        st.tuples(st.just("reports/history.tsv"), damaged((made / "reports/history.tsv").read_bytes())),
    )

    def read(folder):
        groups = compare.compare(folder, ["HEAD", "workspace"])
        tables.as_json(groups, compare.changes.TOLERANCES)
        tables.as_markdown(groups, compare.changes.TOLERANCES)
        compare.show(groups, compare.changes.TOLERANCES)
        reading.read_columns(folder, reading.Revision("workspace", None), "reports/history.tsv")

    number = json.dumps(LOCK).replace('"data/prepared"', "0").encode()
    found = [("dvc.lock", b"0"), ("dvc.lock", number), ("reports/history.tsv", b"epoch\rloss\n1\t2\n")]
    fuzz(inputs, lambda given: spoilt(*given, read), *found, ("reports/metrics.json", b"[]"))


def test_what_a_terminal_has_no_letter_for_is_shown_by_its_number(monkeypatch):
    screen = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(screen, encoding="ascii"))
    survives(lambda: print("0.9 ± 0.1 눈 \ud800", flush=True))
    assert screen.getvalue() == b"0.9 \\xb1 0.1 \\ub208 \\ud800\n"


def test_states_of_a_sweep(tmp_path):
    job = Job("seed-1", ["seed=1"])
    with states.only_one(tmp_path, "commit"):
        mine = states.owner(tmp_path)
        states.keep(tmp_path, mine, job, states.Progress("done", 1, 2, 0.5, 3.0))
        right = json.loads((tmp_path / "seed-1.json").read_text())

        def read(content):
            (tmp_path / "seed-1.json").write_bytes(content)
            found = states.read_states(tmp_path, [job])
            screen.table(found)
            assert found[0][0].experiment == "seed-1"
            states.keep(tmp_path, mine, job, states.Progress("skipped"))

        without = {name: value for name, value in right.items() if name != "accuracy"}
        fuzz(json_text(right), read, json.dumps(without).encode())
