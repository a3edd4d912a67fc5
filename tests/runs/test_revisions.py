"""Revisions are found by their names, and read without being checked out."""

import hashlib

import pytest

from pipeline.base.errors import InputError
from pipeline.runs import reading, revisions

pytest_plugins = ["repository"]

CONFLICT = "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n"
READERS = reading.read_json, reading.read_table, reading.read_yaml


@pytest.fixture
def experiment(git):
    """Name a commit as DVC names an experiment, as if at some time (seconds)."""

    def run(name, baseline, seconds):
        tree = git("rev-parse", f"{baseline}^{{tree}}")
        commit = git("commit-tree", tree, "-p", baseline, "-m", name, seconds=seconds)
        git("update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", commit)
        return commit

    return run


def test_every_kind_of_name_finds_its_commit(git, save, experiment, tmp_path):
    first = save(a="1")
    second = save(a="2")
    git("tag", "v1", first)
    git("tag", "--annotate", "--message", "one", "annotated", first)
    expected = {
        **{"main": second, "HEAD": second, "HEAD~1": first, "v1": first, "annotated": first},
        **{first[:9]: first, "hazy-sail": experiment("hazy-sail", second, 1), "workspace": None},
    }
    found = {name: revisions.resolve(tmp_path, name) for name in expected}
    assert {name: one.commit for name, one in found.items()} == expected
    assert all(one.note == "" and one.name == name for name, one in found.items())


def test_of_experiments_of_one_name_the_current_commits_is_taken_else_the_newest(
    git, save, experiment, tmp_path
):
    baselines = [save(a=text) for text in "123"]
    old, new = (experiment("run", base, time) for base, time in zip(baselines[:2], (10, 20), strict=True))
    found = revisions.resolve(tmp_path, "run")
    assert found.commit == new
    assert "newest" in found.note
    git("checkout", "--quiet", baselines[0])
    found = revisions.resolve(tmp_path, "run")
    assert found.commit == old
    assert "current commit" in found.note


def test_an_unknown_name_is_refused_with_the_closest(save, experiment, tmp_path):
    experiment("filters-seed-1a2b", save(a="1"), 1)
    for name, near in (("filters-sed-1a2b", "filters-seed-1a2b"), ("worksapce", "workspace")):
        with pytest.raises(InputError, match=f"'{name}'.* {near}"):
            revisions.resolve(tmp_path, name)
    for name in ("--help", "-n1", "", "a b", "main:a", "HEAD~9"):
        with pytest.raises(InputError, match=f"revision {name!r}"):
            revisions.resolve(tmp_path, name)


def test_a_commit_that_a_shallow_clone_lacks_is_named_with_what_brings_it(git, save, tmp_path):
    save(a="1")
    save(a="2")
    git("clone", "--quiet", "--depth", "1", tmp_path.as_uri(), "shallow")
    with pytest.raises(InputError, match=r"'HEAD~1'.*shallow.*git fetch --unshallow"):
        revisions.resolve(tmp_path / "shallow", "HEAD~1")


def test_files_are_those_of_the_revision_and_those_of_the_workspace_as_they_are(save, tmp_path):
    # A project may lie in a folder of its repository.
    save(**{"a": "outer", "inner/a": "old"})
    save(**{"inner/a": "new"})
    (tmp_path / "inner/a").write_text("unsaved", encoding="utf-8")
    root = tmp_path / "inner"
    for name, content in {"HEAD~1": b"old", "HEAD": b"new", "workspace": b"unsaved"}.items():
        assert reading.read(root, revisions.resolve(root, name), "a") == content


@pytest.mark.parametrize("name", ["HEAD", "workspace"])
@pytest.mark.parametrize("read", [reading.read, *READERS])
def test_a_missing_file_is_named_with_its_revision(save, tmp_path, name, read):
    save(a="1")
    with pytest.raises(InputError, match=f"^{name} has no reports/x: run `dvc repro`"):
        read(tmp_path, revisions.resolve(tmp_path, name), "reports/x")


def test_contents_are_parsed(save, tmp_path):
    history = "epoch\tloss\n1\t0.5\n2\t2.5e-1\n"
    save(**{"m.json": '{"a": 1}', "reports/history.tsv": history, "c.csv": 'class,f1\n"T-shirt, top",0.5\n'})
    save(**{"params.yaml": "train: {learning_rate: 1e-3}\n", "reports/metrics.json": '{"kept_epoch": 2}'})
    head = revisions.resolve(tmp_path, "HEAD")
    run = reading.read_run(tmp_path, head)
    assert reading.read_json(tmp_path, head, "m.json") == {"a": 1}
    assert reading.read_history(tmp_path, run) == {"epoch": [1, 2], "loss": [0.5, 0.25], "kept": [2]}
    assert reading.read_table(tmp_path, head, "c.csv") == [{"class": "T-shirt, top", "f1": "0.5"}]
    # PyYAML alone takes 1e-3 for a string.
    assert run.params == {"train.learning_rate": 0.001}


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (reading.read_json, "{", "JSON"),
        (reading.read_table, "a,b\n1\n", "its rows differ in length"),
        (reading.read_table, "a,b\n1,2,3\n", "its rows differ in length"),
        (reading.read_yaml, "a: [", "YAML"),
        (reading.read_yaml, "a: 2026-99-99", "YAML"),
        (reading.read_yaml, "- 1", "holds a list"),
        *((read, CONFLICT, "has a merge conflict") for read in READERS),
    ],
)
def test_damaged_contents_are_one_line(save, tmp_path, read, content, message):
    save(f=content)
    for name in ("HEAD", "workspace"):
        with pytest.raises(InputError, match=rf"^f of {name} .*{message}"):
            read(tmp_path, revisions.resolve(tmp_path, name), "f")


def test_a_merge_conflict_is_a_note_and_a_bug_of_ours_keeps_its_traceback(save, tmp_path, monkeypatch):
    save(**{"params.yaml": CONFLICT, "reports/metrics.json": CONFLICT, "dvc.lock": CONFLICT})
    head = revisions.resolve(tmp_path, "HEAD")
    notes = [note for note in reading.read_run(tmp_path, head).notes if "merge conflict" in note]
    assert [note.split(" of ")[0] for note in notes] == ["params.yaml", "reports/metrics.json", "dvc.lock"]
    save(**{"params.yaml": "a: 1\n"})
    monkeypatch.setattr(reading, "YAML", lambda typ: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        reading.read_yaml(tmp_path, revisions.resolve(tmp_path, "HEAD"), "params.yaml")


def test_models_are_those_of_the_revision_from_the_cache_or_its_remote(trained, tmp_path):
    trained = trained.copied(tmp_path / "project")
    root, model = trained.folder, "models/best.keras"
    experiment = revisions.experiments(root)[0]
    best = (root / model).read_bytes()
    (root / model).write_bytes(b"other")
    for name, content in ((experiment.name, best), ("workspace", b"other")):
        path = reading.fetch_output(root, revisions.resolve(root, name), model, tmp_path / "fetched")
        assert path.read_bytes() == content
    for name, output in (("HEAD", model), ("workspace", "models/x")):
        with pytest.raises(InputError, match=f"{output} of {name}|{name} has no {output}"):
            reading.fetch_output(root, revisions.resolve(root, name), output, tmp_path / "fetched")
    trained.dvc("remote", "add", "--local", "--default", "shared", str(tmp_path / "remote"))
    trained.dvc("push", "--quiet", model)
    digest = hashlib.md5(best).hexdigest()
    (root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]).unlink()
    path = reading.fetch_output(root, experiment, model, tmp_path / "again")
    assert path.read_bytes() == best
