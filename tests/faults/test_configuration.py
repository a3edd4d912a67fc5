"""Values and files of the configuration that would fail late, or never, are refused in one line at once."""

import re
import shutil
import time

import pytest
from conftest import ROOT

from pipeline.base.errors import InputError
from pipeline.config import composing
from pipeline.config.params import check, read_values
from pipeline.hydra_plugins.filterscope import check_network


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("model.filters=[1000000000000]", "model.filters: received"),
        ("model.dense=[1000000000]", "model.dense: received"),
        ("model.dense=[1000000]", "a network of 3,137,018,816 parameters, 47 GiB in training"),
        ("train.batch_size=1000000000000000000000000000000", "train.batch_size: received"),
        ("train.batch_size=65536 data.image_size=[224,224]", "whose feature maps take 1,470 GiB"),
        ("train.epochs=1000000000000000000000000000000", "up to 1000000"),
        ("runtime.threads=10000", "up to 256"),
        ("data.image_size=[100000,100000]", "up to 4096"),
        ("visualize.histogram_bins=10000000000", "up to 1000"),
        (
            "data.split_seed=4294967296",
            "data.split_seed: received 4294967296, expected",
        ),
        (f"model.filters=[{','.join(['8'] * 101)}]", "a list of 1 or more, up to 100"),
    ],
)
def test_a_value_beyond_what_any_machine_does_is_refused(compose, override, words):
    started = time.monotonic()
    with pytest.raises(InputError) as error:
        check_network(compose(*override.split()))
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert time.monotonic() - started < 5


def test_the_parameters_that_are_counted_are_those_of_the_network(small_network, compose):
    from pipeline.network.shapes import count_parameters

    network, model = small_network(), compose("model.filters=[3,4]", "model.dense=[7]").model
    last = 7 * 3 + 3
    assert count_parameters(model, (12, 12, 1)) == network.count_params() - last


@pytest.fixture
def conf(tmp_path, monkeypatch):
    """A copy of `conf/`, to spoil."""
    folder = tmp_path / "conf"
    shutil.copytree(ROOT / "conf", folder)
    composing.register(folder, check_network)
    yield folder
    composing.register(ROOT / "conf", check_network)


def append(folder, name, text):
    path = folder / name
    path.write_bytes(path.read_bytes() + text)


def test_a_digest_given_by_hand_does_not_pass_by_the_checks(conf):
    with pytest.raises(InputError, match="conf_digest: received 'abc', expected"):
        composing.compose(conf, ["conf_digest=abc", "seed=-7"])


def test_without_the_digest_nothing_is_written_unchecked(conf):
    path = conf / "config.yaml"
    path.write_text(re.sub("(?m)^conf_digest.*$", "", path.read_text()).replace("seed: 42", "seed: -7"))
    with pytest.raises(InputError, match="conf_digest: received None, expected"):
        composing.compose(conf)


BOMB = b"\n".join(
    [b"a0: &a0 [1,1]"] + [b"a%d: &a%d [*a%d,*a%d]" % (n, n, n - 1, n - 1) for n in range(1, 40)]
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\n# \xff\xfe", "cannot be read as YAML: 'utf-8'"),
        (b"\n" + BOMB, "received the alias"),
        (b"\nx: " + b"[" * 50 + b"]" * 50, "more than 20 levels"),
        (b"\nx: " + b"[" * 100_000, "levels|nested too deeply|cannot be read"),
        (b"\n# " + b"x" * 2**20, "more than 1,048,576 bytes"),
        (b"\nx: [", "cannot be read as YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_one_line(conf, text, words):
    append(conf, "train/default.yaml", text)
    started = time.monotonic()
    with pytest.raises(InputError, match=words):
        composing.compose(conf)
    with pytest.raises(InputError, match=words):
        read_values(conf / "train/default.yaml")
    assert time.monotonic() - started < 10


def test_a_folder_where_a_file_should_be_is_one_line(conf):
    (conf / "train/other.yaml").mkdir()
    with pytest.raises(InputError, match="received a folder, expected a regular file"):
        composing.compose(conf)
    with pytest.raises(InputError, match="received a folder, expected a regular file"):
        composing.conf_digest(conf)


def test_defaults_that_go_round_in_circles_are_one_line(conf):
    path = conf / "train/default.yaml"
    path.write_text("defaults:\n  - smoke\n" + path.read_text())
    # smoke begins with default already.
    with pytest.raises(InputError, match="name each other"):
        composing.compose(conf)


@pytest.mark.parametrize(
    "text", ["seed: 2024-01-01", "seed: !!binary x", "seed: !!python/object:os.system {}"]
)
def test_values_of_odd_types_in_params_are_one_line(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(InputError):
        from pipeline.config.schema import Config

        check(Config, read_values(path))
