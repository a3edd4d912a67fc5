"""Revisions of earlier versions of this project are read, and compared with those of today."""

import hashlib
import json
import subprocess

import pytest
from conftest import environment

from pipeline.base.errors import InputError
from pipeline.commands.compare import compare
from pipeline.runs import reading, revisions
from pipeline.runs.changes import changed_params

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
RECORD = json.dumps({"commit": "c", "processor": "A"}).encode()


def git(folder, *arguments):
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True)


def save(folder, files):
    """Commit files, and nothing else, and name the commit by a tag."""
    git(folder, "rm", "-r", "--quiet", "--force", "--ignore-unmatch", ".")
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "state")


def metrics(key):
    return json.dumps({"validation": {"loss": 0.5, "accuracy": 0.75}, key: 3})


def repository(folder, kind):
    """Tags `before` and `today`, of one configuration; the record of `today` is in DVC's cache alone."""
    git(folder, "init", "--quiet")
    before = {"params.yaml": BEFORE.replace("KIND", kind), "reports/metrics.json": metrics("best_epoch")}
    save(folder, {**before, "reports/made_with.json": RECORD})
    git(folder, "tag", "before")
    md5 = hashlib.md5(RECORD).hexdigest()
    outputs = f"[{{path: reports/made_with.json, hash: md5, md5: {md5}}}]"
    today = TODAY.replace("KIND", kind).replace("KEYS", SOURCES[kind])
    lock = f"schema: '2.0'\nstages: {{train: {{cmd: x, outs: {outputs}}}}}\n"
    save(folder, {"params.yaml": today, "reports/metrics.json": metrics("kept_epoch"), "dvc.lock": lock})
    git(folder, "tag", "today")
    cached = folder / "shared/files/md5" / md5[:2] / md5[2:]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(RECORD)
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").write_text("[cache]\n    dir = ../shared\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", SOURCES)
def test_what_was_only_renamed_does_not_differ(kind, tmp_path):
    groups = compare(repository(tmp_path, kind), ["before", "today"])
    assert changed_params(groups) == {}
    assert [one.runs[0].params["data.source.kind"] for one in groups] == [kind, kind]
    assert [one.runs[0].metrics["kept_epoch"] for one in groups] == [3, 3]
    assert all("best_epoch" not in one.runs[0].metrics for one in groups)


def test_what_differs_since_has_the_key_of_today(tmp_path):
    folder = repository(tmp_path, "image_folder")
    before = BEFORE.replace("KIND", "image_folder").replace("resize: pad", "resize: stretch")
    (folder / "params.yaml").write_text(before, encoding="utf-8")
    assert changed_params(compare(folder, ["today"])) == {"data.source.resize": ["pad", "stretch"]}
    (folder / "params.yaml").write_text(BEFORE.replace("KIND", "digits"), encoding="utf-8")
    assert changed_params(compare(folder, ["before"])) == {
        "data.source.kind": ["image_folder", "digits"],
        **{f"data.source.{key}": [value, "–"] for key, value in FOLDER.items()},
    }


def test_an_output_comes_from_git_or_the_cache_or_is_missing_by_name(tmp_path):
    folder = repository(tmp_path, "digits")
    for name in ("before", "today"):
        revision = revisions.resolve(folder, name)
        assert reading.read_output(folder, revision, "reports/made_with.json") == RECORD
        assert reading.read_run(folder, revision).made_with["processor"] == "A"
        with pytest.raises(InputError, match=rf"^{name} has no reports/timing\.json"):
            reading.read_output(folder, revision, "reports/timing.json")
    (folder / "reports/made_with.json").write_bytes(b"as it is")
    workspace = revisions.resolve(folder, "workspace")
    assert reading.read_output(folder, workspace, "reports/made_with.json") == b"as it is"
