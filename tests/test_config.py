"""The configuration: one source of truth, and one clear line for each wrong value."""

import dataclasses
import json
from pathlib import Path

import pytest

from pipeline.base.errors import InputError, one_line_errors
from pipeline.config import composing
from pipeline.config.params import check, load, read_values
from pipeline.config.schema import Config
from pipeline.stages.fetch import fetch
from pipeline.stages.prepare import prepare

ROOT = Path(__file__).parents[1]
GROUP_FILES = sorted(path.relative_to(ROOT / "conf") for path in (ROOT / "conf").glob("*/*.yaml"))


def test_committed_params_are_the_composition_of_conf():
    assert (ROOT / "params.yaml").read_text() == composing.compose(ROOT / "conf")


@pytest.mark.parametrize("path", GROUP_FILES, ids=str)
def test_every_file_of_every_group_composes(path, compose):
    compose(f"{path.parent}={path.stem}")


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
        assert found == dataclasses.replace(without, **changes)
    assert compose(recipe, "model.dropout=0.7").model.dropout == 0.7


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.epoch=3", r"train\.epoch: unknown key \(received 3\); did you mean train\.epochs\?"),
        ("+train.speed=3", r"train\.speed: unknown key \(received 3\); expected one of epochs, "),
        ("+speed=3", r"speed: unknown key \(received 3\)"),
        ("train.epochs=abc", r"train\.epochs: received 'abc', expected a whole number of 1 or more"),
        ("train.epochs=2.5", r"train\.epochs: received 2\.5, expected a whole number"),
        ("train.epochs=true", r"train\.epochs: received True, expected a whole number"),
        ("train.epochs=-1", r"train\.epochs: received -1, expected a whole number of 1 or more"),
        ("train.epochs=null", r"train\.epochs: received None, expected a whole number"),
        ("~train.epochs", r"train\.epochs: received nothing, expected a whole number"),
        ("train.epochs=???", r"train\.epochs: received nothing, expected a whole number"),
        ("train.learning_rate=nan", r"train\.learning_rate: received nan, expected a finite number above 0"),
        ("train.learning_rate=inf", r"train\.learning_rate: received inf, expected a finite number above 0"),
        ("train.learning_rate=0", r"train\.learning_rate: received 0, expected a finite number above 0"),
        ("train.learning_rate=1e30", r"train\.learning_rate: received 1e\+30, expected .* at most 10"),
        ("train.learning_rate=100", r"train\.learning_rate: received 100, expected .* at most 10"),
        (
            "visualize.images=[{split: source, index: 60000}]",
            r"visualize\.images: received source 60000, expected an index below 60000",
        ),
        (
            "visualize.images=[{split: test, index: 0}, {split: validation, index: 12000}]",
            r"visualize\.images: received validation 12000, expected an index below 12000",
        ),
        ("data.validation_fraction=1", r"data\.validation_fraction: received 1, expected a number between"),
        ("data.validation_fraction=0", r"data\.validation_fraction: received 0, expected a number between"),
        (
            "data.name=cifar",
            r"data\.name: received 'cifar', expected one of fashion_mnist, mnist, digits, npz,",
        ),
        ("data.mirror='http://a.b'", r"data\.mirror: received 'http://a\.b', expected an https:// address"),
        ("data.resize=crop", r"data\.resize: received 'crop', expected one of stretch, pad"),
        ("data.test_fraction=1.5", r"data\.test_fraction: received 1\.5, expected a number between 0 and 1"),
        (
            "data.skip_unreadable=true",
            r"data\.skip_unreadable: received True, which does nothing for data",
        ),
        ("data.resize=pad", r"which does nothing for data\.name fashion_mnist \(only for image_folder\)"),
        ("model.initializer_stddev=0.1", r"which does nothing for model\.initializer glorot_uniform"),
        ("data.skip_unreadable=1", r"data\.skip_unreadable: received 1, expected true or false"),
        ("data.image_size=[28]", r"data\.image_size: received \[28\], expected a list \[height, width\]"),
        ("model.dropout=1", r"model\.dropout: received 1, expected a number of 0 or more and below 1"),
        ("model.filters=[]", r"model\.filters: received \[\], expected a list of 1 or more"),
        ("model.filters=[8,0]", r"model\.filters: received \[8, 0\], expected a list of 1 or more"),
        ("model.filters=8", r"model\.filters: received 8, expected a list of 1 or more"),
        ("model.padding=full", r"model\.padding: received 'full', expected same or valid"),
        ("model.kernel_size=[3,3,3]", r"model\.kernel_size: received \[3, 3, 3\], a list of 3, expected one"),
        (
            "model.pool=[max]",
            r"model\.pool: received \['max'\], a list of 1, expected one value or a list of 2",
        ),
        ("model.kernel_size=[]", r"model\.kernel_size: received \[\], expected a whole number of 1 or more"),
        ("model.activation=swirl", r"model\.activation: received 'swirl', expected one of relu, sigmoid"),
        (
            "explain.sanity_images=0",
            r"explain\.sanity_images: received 0, expected a whole number of 1 or more",
        ),
        ("seed=-1", r"seed: received -1, expected a whole number from 0 to 4294967295"),
        ("train=quick", r"Could not find 'train/quick'"),
        ("visualize.images=[{split: test}]", r"visualize\.images: received .*, expected a list of 1 or more"),
        ("model.kernel_size=29", r"layer conv2d: received a window of 29x29 on an input of 28x28"),
        ("model.pool_size=15", r"layer max_pooling2d_1: received a window of 15x15 on an input of"),
    ],
)
def test_a_wrong_value_is_refused_in_words_that_name_it(override, message, compose):
    with pytest.raises(InputError, match=message):
        compose(override)


def test_a_section_that_is_no_mapping_is_refused():
    values = read_values(ROOT / "params.yaml") | {"train": "fast"}
    with pytest.raises(InputError, match=r"train: received 'fast', expected a mapping with the keys epochs"):
        check(Config, values)


def test_a_small_number_in_scientific_notation_is_a_number(compose):
    assert compose("train.learning_rate=1e-3").train.learning_rate == 0.001


def test_a_whole_number_is_handed_on_as_the_float_that_a_learning_rate_is(compose):
    received = compose("train.learning_rate=1").train.learning_rate
    assert (received, type(received)) == (1, float)


@pytest.mark.parametrize("fraction", ["0.2", "0.3"])
def test_the_images_of_a_published_data_set_are_counted_before_it_is_there(compose, tmp_path, fraction):
    cfg = compose("data=digits", f"data.validation_fraction={fraction}")
    fetch(cfg, tmp_path, tmp_path / "raw")
    prepare(cfg, tmp_path / "raw", tmp_path / "prepared")
    assert json.loads((tmp_path / "prepared/dataset.json").read_text())["counts"] == cfg.data.counts


def test_the_digest_changes_with_a_files_content_and_with_its_name(tmp_path):
    digests = []
    for name, text in (("a.yaml", "x: 1"), ("a.yaml", "x: 2"), ("b.yaml", "x: 2")):
        folder = tmp_path / str(len(digests))
        folder.mkdir()
        (folder / name).write_text(text)
        digests.append(composing.conf_digest(folder))
    assert len(set(digests)) == 3


def test_a_missing_params_file_says_how_to_make_it(tmp_path):
    with pytest.raises(InputError, match=r"params\.yaml is missing: run `dvc repro compose`"):
        load(Config, tmp_path / "params.yaml")


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2\n", "a: ${b}\n"])
def test_params_that_are_no_mapping_are_refused(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(InputError, match=r"params\.yaml (cannot be read as YAML|holds a list)"):
        load(Config, tmp_path / "params.yaml")


def test_differences_name_each_value_that_changes():
    old = {"train": {"epochs": 3, "patience": 2}, "seed": 1, "conf_digest": "a"}
    new = {"train": {"epochs": 10, "patience": 2}, "seed": 1, "conf_digest": "b"}
    assert composing.differences(old, new) == {"train.epochs": (3, 10)}
    assert composing.dropped(old, new, new) == {"train.epochs": (3, 10)}
    assert composing.dropped(old, new, old) == {}


def test_an_interruption_is_no_traceback():
    with pytest.raises(SystemExit) as caught, one_line_errors():
        raise KeyboardInterrupt
    assert caught.value.code == 130


def test_an_input_error_is_one_line_and_exit_code_1(capsys):
    with pytest.raises(SystemExit) as caught, one_line_errors():
        raise InputError("first\nsecond")
    assert caught.value.code == "error: first second"
