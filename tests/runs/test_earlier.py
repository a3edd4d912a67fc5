"""Revisions of earlier versions of this project are read, and compared with those of today."""

import hashlib
import json

import pytest

from pipeline.base.errors import InputError
from pipeline.commands.compare import compare
from pipeline.runs import reading, revisions
from pipeline.runs.changes import changed_params

pytest_plugins = ["repository"]

MODEL = "filters: [32, 64], pool: max"
BEFORE = f"""
data: {{name: KIND, image_size: [28, 28], folder: null, mirror: 'https://x', update_package_lists: true,
        resize: pad, skip_unreadable: false, test_fraction: 0.2, split_seed: 42}}
model: {{{MODEL}}}
train: {{epochs: 10}}
seed: 42
conf_digest: {"0" * 64}
"""
TODAY = f"""
data: {{name: mine, image_size: [28, 28], folder: null, split_seed: 42, source: {{kind: KIND, KEYS}}}}
model: {{name: cnn, {MODEL}}}
train: {{name: default, epochs: 10}}
seed: 42
conf_digest: {"1" * 64}
config_digest: {"2" * 64}
"""
SOURCES = {
    "fashion_mnist": "mirror: 'https://x'",
    "digits": "",
    "image_folder": "resize: pad, skip_unreadable: false, test_fraction: 0.2",
}
FOLDER = {"resize": "pad", "skip_unreadable": False, "test_fraction": 0.2}
RECORD = json.dumps({"commit": "c", "processor": "A"})


def metrics(key):
    return json.dumps({"validation": {"loss": 0.5, "accuracy": 0.75}, key: 3})


@pytest.fixture
def repository(git, save, tmp_path):
    """Make tags `before` and `today`, of one configuration; the record of `today` is in DVC's cache alone."""

    def make(kind):
        before = {"params.yaml": BEFORE.replace("KIND", kind), "reports/metrics.json": metrics("best_epoch")}
        save(**before, **{"reports/made_with.json": RECORD})
        git("tag", "before")
        git("rm", "--quiet", "reports/made_with.json")
        md5 = hashlib.md5(RECORD.encode()).hexdigest()
        outputs = f"[{{path: reports/made_with.json, hash: md5, md5: {md5}}}]"
        today = TODAY.replace("KIND", kind).replace("KEYS", SOURCES[kind])
        lock = f"schema: '2.0'\nstages: {{train: {{cmd: x, outs: {outputs}}}}}\n"
        save(**{"params.yaml": today, "reports/metrics.json": metrics("kept_epoch"), "dvc.lock": lock})
        git("tag", "today")
        cached = f"shared/files/md5/{md5[:2]}/{md5[2:]}"
        save(**{cached: RECORD, ".dvc/config": "[cache]\n    dir = ../shared\n"})
        return tmp_path

    return make


@pytest.mark.parametrize("kind", SOURCES)
def test_what_was_only_renamed_does_not_differ(kind, repository):
    groups = compare(repository(kind), ["before", "today"])
    assert changed_params(groups) == {}
    assert [one.runs[0].params["data.source.kind"] for one in groups] == [kind, kind]
    assert [one.runs[0].metrics for one in groups] == [groups[0].runs[0].metrics] * 2
    assert groups[0].runs[0].metrics["kept_epoch"] == 3


def test_what_differs_since_has_the_key_of_today(repository):
    folder = repository("image_folder")
    before = BEFORE.replace("KIND", "image_folder").replace("resize: pad", "resize: stretch")
    (folder / "params.yaml").write_text(before, encoding="utf-8")
    assert changed_params(compare(folder, ["today"])) == {"data.source.resize": ["pad", "stretch"]}
    (folder / "params.yaml").write_text(BEFORE.replace("KIND", "digits"), encoding="utf-8")
    assert changed_params(compare(folder, ["before"])) == {
        "data.source.kind": ["image_folder", "digits"],
        **{f"data.source.{key}": [value, "–"] for key, value in FOLDER.items()},
    }


def test_an_output_comes_from_git_or_the_cache_or_is_missing_by_name(repository):
    folder = repository("digits")
    for name in ("before", "today"):
        revision = revisions.resolve(folder, name)
        assert reading.read_output(folder, revision, "reports/made_with.json") == RECORD.encode()
        assert reading.read_run(folder, revision).made_with["processor"] == "A"
        with pytest.raises(InputError, match=rf"^{name} has no reports/timing\.json"):
            reading.read_output(folder, revision, "reports/timing.json")
    (folder / "reports/made_with.json").write_bytes(b"as it is")
    workspace = revisions.resolve(folder, "workspace")
    assert reading.read_output(folder, workspace, "reports/made_with.json") == b"as it is"
