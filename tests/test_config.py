"""The configuration: one source of truth, and one clear line for each wrong value."""

import json
import re
import shutil
import time
from pathlib import Path

import pytest

from pipeline.base.errors import InputError, one_line_errors
from pipeline.config import composing
from pipeline.config.params import check, load, read_values
from pipeline.config.schema import Config
from pipeline.config.shapes import count_parameters
from pipeline.stages.fetch import fetch
from pipeline.stages.prepare import prepare

ROOT = Path(__file__).parents[1]
GROUP_FILES = sorted(path.relative_to(ROOT / "conf") for path in (ROOT / "conf").glob("*/*.yaml"))


def test_committed_params_are_the_composition_of_conf():
    assert (ROOT / "params.yaml").read_text() == composing.compose(ROOT / "conf")


@pytest.mark.parametrize("path", GROUP_FILES, ids=str)
def test_every_file_of_every_group_composes_and_names_itself(path, compose):
    section = getattr(compose(f"{path.parent}={path.stem}"), str(path.parent))
    assert getattr(section, "name", path.stem) == path.stem


def test_every_file_opens_with_what_it_is_for():
    for path in (ROOT / "conf").rglob("*.yaml"):
        assert path.read_text().startswith("# "), path


@pytest.mark.parametrize(
    "path", sorted((ROOT / "conf/train/model").glob("*.yaml")), ids=lambda path: path.stem
)
def test_what_a_recipe_changes_of_the_network_comes_with_it_and_yields_to_an_override(path, compose):
    recipe, changes = f"train={path.stem}", read_values(path)
    for network in ("cnn", "alexnet"):
        found = compose(recipe, f"model={network}").model
        without = compose("train=default", f"model={network}").model
        assert found == without.model_copy(update=changes)
    assert compose(recipe, "model.dropout=0.7").model.dropout == 0.7


# An override, the key that the error names, and what else it holds: the received value, or a hint.
WRONG = [
    ("train.epoch=3", "train.epoch", "did you mean train.epochs"),
    ("+train.speed=3", "train.speed", "epochs"),
    ("+speed=3", "speed", "3"),
    ("train.epochs=abc", "train.epochs", "'abc'"),
    ("train.epochs=2.5", "train.epochs", "2.5"),
    ("train.epochs='3'", "train.epochs", "'3'"),
    ("train.epochs=true", "train.epochs", "True"),
    ("train.epochs=-1", "train.epochs", "-1"),
    ("train.epochs=null", "train.epochs", "None"),
    ("~train.epochs", "train.epochs", "nothing"),
    ("train.epochs=???", "train.epochs", "???"),
    ("train.learning_rate=nan", "train.learning_rate", "nan"),
    ("train.learning_rate=inf", "train.learning_rate", "inf"),
    ("train.learning_rate=0", "train.learning_rate", "greater than 0"),
    ("train.learning_rate=100", "train.learning_rate", "10"),
    ("train.shift=28", "train.shift", "[28, 28]"),
    ("visualize.images=[{split: source, index: 60000}]", "visualize.images", "60000"),
    (
        "visualize.images=[{split: test, index: 0}, {split: validation, index: 12000}]",
        "visualize.images",
        "12000",
    ),
    ("visualize.images=[{split: test}]", "visualize.images.index", "nothing"),
    ("data.validation_fraction=1", "data.validation_fraction", "less than 1"),
    ("data.validation_fraction=0", "data.validation_fraction", "greater than 0"),
    ("data.source.kind=cifar", "data.source.kind", "'npz'"),
    ("data.source.mirror='http://a.b'", "data.source.mirror", "https://"),
    ("data.source.resize=pad", "data.source.resize", "kind"),
    ("data.name=''", "data.name", "one line"),
    ("data.image_size=[28]", "data.image_size", "[28]"),
    ("data.split_seed=4294967296", "data.split_seed", "4294967296"),
    ("model.dropout=1", "model.dropout", "less than 1"),
    ("model.filters=[]", "model.filters", "[]"),
    ("model.filters=[8,0]", "model.filters", "0"),
    ("model.filters=8", "model.filters", "8"),
    ("model.padding=full", "model.padding", "'same' or 'valid'"),
    ("model.kernel_size=[3,3,3]", "model.kernel_size", "[32, 64]"),
    ("model.pool=[max]", "model.pool", "[32, 64]"),
    ("model.kernel_size=[]", "model.kernel_size", "[]"),
    ("model.activation=swirl", "model.activation", "'relu'"),
    ("model.initializer_stddev=1e-300", "model.initializer_stddev", "1e-300"),
    ("explain.sanity_images=0", "explain.sanity_images", "0"),
    ("seed=-1", "seed", "-1"),
    ("model.kernel_size=29", "layer conv2d", "29x29"),
    ("model.pool_size=15", "layer max_pooling2d_1", "15x15"),
    # Beyond what any machine does.
    ("model.filters=[1000000000000]", "model.filters", "1000000000000"),
    ("model.dense=[1000000]", "model", "3,137,018,816 parameters"),
    ("train.batch_size=65536 data.image_size=[224,224]", "train.batch_size", "1,470 GiB"),
    ("runtime.threads=10000", "runtime.threads", "256"),
    ("data.image_size=[100000,100000]", "data.image_size", "4096"),
    (f"model.filters=[{','.join(['8'] * 101)}]", "model.filters", "100"),
    # A data set's own.
    ("data=image_folder data.source.test_fraction=1.5", "data.source.test_fraction", "1.5"),
    ("data=image_folder data.source.skip_unreadable=1", "data.source.skip_unreadable", "1"),
    ("data=digits data.folder=x", "data.folder", "'x'"),
    ("data=digits train.shift=9", "train.shift", "[8, 8]"),
]


@pytest.mark.parametrize(("overrides", "key", "part"), WRONG)
def test_a_wrong_value_is_one_line_with_its_key_at_once(overrides, key, part, compose):
    started = time.monotonic()
    with pytest.raises(InputError) as error:
        compose(*re.split(r" (?=data\.|train\.)", overrides))
    assert str(error.value).startswith(f"{key}: ")
    assert part in str(error.value)
    assert "\n" not in str(error.value)
    assert time.monotonic() - started < 5


def test_a_file_of_a_group_that_is_not_there_is_refused(compose):
    with pytest.raises(InputError, match="train/quick"):
        compose("train=quick")


def test_a_section_that_is_no_mapping_is_refused():
    values = read_values(ROOT / "params.yaml") | {"train": "fast"}
    with pytest.raises(InputError, match="train: received 'fast'"):
        check(Config, values)


@pytest.mark.parametrize(("text", "value"), [("1e-3", 0.001), ("1", 1.0)])
def test_a_learning_rate_is_a_float_however_it_is_written(compose, text, value):
    received = compose(f"train.learning_rate={text}").train.learning_rate
    assert (received, type(received)) == (value, float)


@pytest.mark.parametrize("fraction", ["0.2", "0.3"])
def test_the_images_of_a_published_data_set_are_counted_before_it_is_there(compose, tmp_path, fraction):
    cfg = compose("data=digits", f"data.validation_fraction={fraction}")
    fetch(cfg, tmp_path, tmp_path / "raw")
    prepare(cfg, tmp_path / "raw", tmp_path / "prepared", tmp_path / "data.json")
    assert json.loads((tmp_path / "prepared/dataset.json").read_text())["counts"] == cfg.data.counts


def test_the_parameters_that_are_counted_are_those_of_the_network(small_network, compose):
    network, model = small_network(), compose("model.filters=[3,4]", "model.dense=[7]").model
    last = 7 * 3 + 3
    assert count_parameters(model, (12, 12, 1)) == network.count_params() - last


def test_the_digest_changes_with_a_files_content_and_with_its_name(tmp_path):
    digests = []
    for name, text in (("a.yaml", "x: 1"), ("a.yaml", "x: 2"), ("b.yaml", "x: 2")):
        folder = tmp_path / str(len(digests))
        folder.mkdir()
        (folder / name).write_text(text)
        digests.append(composing.conf_digest(folder))
    assert len(set(digests)) == 3


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "dvc repro compose"),
        (b"a: [1", "YAML"),
        (b"- 1\n- 2\n", "list"),
        (b"a: ${b}\n", "YAML"),
        (b"a: \xff", "YAML"),
        (b"<<<<<<< HEAD\nseed: 1\n=======\nseed: 2\n>>>>>>> other\n", "merge conflict"),
    ],
)
def test_params_that_are_no_configuration_are_one_line(tmp_path, content, part):
    path = tmp_path / "params.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"params.yaml.*{part}"):
        load(Config, path)


@pytest.fixture
def conf(tmp_path):
    """A copy of `conf/`, to edit."""
    folder = tmp_path / "conf"
    shutil.copytree(ROOT / "conf", folder)
    composing.register(folder)
    yield folder
    composing.register(ROOT / "conf")


def test_a_file_of_ones_own_is_chosen_by_its_name_and_read_as_its_kind(conf):
    own = conf / "data/pets.yaml"
    own.write_text("defaults:\n  - image_folder\n  - _self_\nname: pets\nfolder: data/external/pets\n")
    composing.compose(conf, ["data=pets"])
    own.write_text(own.read_text().replace("name: pets\n", ""))
    with pytest.raises(InputError, match=r"data/pets\.yaml: name: .*'pets'"):
        composing.compose(conf)


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("train/default.yaml", "\n# \xff", "YAML|utf-8|decode"),
        ("train/default.yaml", "\nx: [", "YAML|expected|while parsing"),
        ("model/cnn.yaml", "\n<<<<<<< HEAD\n", "merge conflict"),
    ],
)
def test_a_file_of_conf_that_is_no_configuration_is_one_error(conf, name, text, part):
    path = conf / name
    path.write_bytes(path.read_bytes() + text.encode("latin-1"))
    with pytest.raises(InputError, match=part):
        composing.compose(conf)


def choices(text):
    return {group: text[group]["name"] for group in composing.CHOSEN}


def test_an_edit_of_a_group_keeps_the_chosen_files_and_one_of_the_config_does_not(conf, tmp_path, capsys):
    def recomposed(old):
        (tmp_path / "params.yaml").write_text(composing.recompose(conf, old))
        return read_values(tmp_path / "params.yaml")

    (tmp_path / "params.yaml").write_text(
        composing.compose(conf, ["data=mnist", "model=lenet", "train=smoke"])
    )
    old = read_values(tmp_path / "params.yaml")
    smoke = conf / "train/smoke.yaml"
    smoke.write_text(smoke.read_text().replace("epochs: 3", "epochs: 1"))
    new = recomposed(old)
    assert choices(new) == {"data": "mnist", "model": "lenet", "train": "smoke"}
    assert composing.differences(old, new) == {"train.epochs": (3, 1)}
    smoke.unlink()
    assert choices(recomposed(old)) == {"data": "mnist", "model": "lenet", "train": "sigmoid"}
    assert "smoke" in capsys.readouterr().out
    (conf / "config.yaml").write_text((conf / "config.yaml").read_text().replace("seed: 42", "seed: 7"))
    assert choices(recomposed(old)) == {"data": "fashion_mnist", "model": "cnn", "train": "default"}


def test_differences_name_each_value_that_changes():
    old = {"train": {"epochs": 3, "patience": 2}, "seed": 1, "conf_digest": "a"}
    new = {"train": {"epochs": 10, "patience": 2}, "seed": 1, "conf_digest": "b"}
    assert composing.differences(old, new) == {"train.epochs": (3, 10)}
    assert composing.dropped(old, new, new) == {"train.epochs": (3, 10)}
    assert composing.dropped(old, new, old) == {}
    many = composing.differences({str(n): 1 for n in range(30)}, {str(n): 2 for n in range(30)})
    assert len(composing.lines(many)) == composing.MAX_PRINTED + 1


def test_an_interruption_is_no_traceback():
    with pytest.raises(SystemExit) as caught, one_line_errors():
        raise KeyboardInterrupt
    assert caught.value.code == 130
