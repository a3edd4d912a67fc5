"""Revisions are found by their names, and read without being checked out."""

import os
import subprocess

import pytest

from pipeline.base.errors import InputError
from pipeline.runs import reading, revisions

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com")


@pytest.fixture
def git(tmp_path):
    """A repository, and its `git`."""

    def run(*arguments):
        command = ["git", *IDENTITY, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    run("init", "--quiet", "--initial-branch=main")
    return run


@pytest.fixture
def save(git, tmp_path):
    """Write files, commit them, return the commit."""

    def run(**contents):
        for name, text in contents.items():
            (tmp_path / name).write_text(text)
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "--message", "state")
        return git("rev-parse", "HEAD")

    return run


@pytest.fixture
def experiment(git):
    """Name a commit as DVC names an experiment, as if at some time (seconds)."""

    def run(name, baseline, seconds):
        tree = git("rev-parse", f"{baseline}^{{tree}}")
        time = {**os.environ, "GIT_COMMITTER_DATE": f"@{seconds} +0000"}
        where = git("rev-parse", "--show-toplevel")
        command = ["git", *IDENTITY, "commit-tree", tree, "-p", baseline, "-m", name]
        commit = subprocess.run(command, cwd=where, env=time, capture_output=True, check=True).stdout
        git("update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", commit.decode().strip())
        return commit.decode().strip()

    return run


def test_every_kind_of_name_finds_its_commit(git, save, experiment, tmp_path):
    first = save(a="1")
    second = save(a="2")
    git("tag", "v1", first)
    git("branch", "other", first)
    hazy = experiment("hazy-sail", second, 1)
    expected = {
        "main": second,
        "HEAD": second,
        "HEAD~1": first,
        "v1": first,
        "other": first,
        first[:9]: first,
        "hazy-sail": hazy,
        "workspace": None,
    }
    found = {name: revisions.resolve(tmp_path, name) for name in expected}
    assert {name: one.commit for name, one in found.items()} == expected
    assert all(one.note == "" and one.name == name for name, one in found.items())


def test_an_annotated_tag_finds_its_commit(git, save, tmp_path):
    commit = save(a="1")
    git("tag", "--annotate", "--message", "one", "v1")
    assert revisions.resolve(tmp_path, "v1").commit == commit


def test_of_experiments_of_one_name_the_current_commits_is_taken_else_the_newest(
    git, save, experiment, tmp_path
):
    baselines = [save(a=text) for text in "123"]
    old, new = (experiment("run", base, time) for base, time in zip(baselines[:2], (10, 20), strict=True))
    found = revisions.resolve(tmp_path, "run")
    assert found.commit == new
    assert found.note == f"run: 2 experiments have this name; taken is the newest, {new[:7]}"
    git("checkout", "--quiet", baselines[0])
    found = revisions.resolve(tmp_path, "run")
    assert found.commit == old
    assert "the current commit's" in found.note


def test_an_unknown_name_is_refused_with_the_closest(save, experiment, tmp_path):
    experiment("filters-seed-1a2b", save(a="1"), 1)
    with pytest.raises(InputError, match=r"'filters-sed-1a2b'.* did you mean filters-seed-1a2b\? `dvc exp"):
        revisions.resolve(tmp_path, "filters-sed-1a2b")
    with pytest.raises(InputError, match="did you mean workspace"):
        revisions.resolve(tmp_path, "worksapce")


@pytest.mark.parametrize("name", ["--help", "-n1", "", "a b", "main:a", "HEAD~9"])
def test_a_name_that_is_no_revision_is_refused_whatever_it_looks_like(save, tmp_path, name):
    save(a="1")
    with pytest.raises(InputError, match="neither workspace nor a branch"):
        revisions.resolve(tmp_path, name)


def test_a_commit_that_a_shallow_clone_lacks_is_named_with_what_brings_it(git, save, tmp_path):
    save(a="1")
    save(a="2")
    (tmp_path / "inner").mkdir()
    git("clone", "--quiet", "--depth", "1", f"file://{tmp_path}", "inner/shallow")
    with pytest.raises(InputError, match=r"'HEAD~1'.*shallow.*git fetch --unshallow"):
        revisions.resolve(tmp_path / "inner/shallow", "HEAD~1")


@pytest.mark.parametrize("name", ["params.yaml", "dvc.lock"])
def test_a_merge_conflict_is_named(save, tmp_path, name):
    conflict = "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n"
    save(**{"params.yaml": "a: 1\n", "dvc.lock": "stages: {}\n", name: conflict})
    for revision in ("HEAD", "workspace"):
        notes = reading.read_run(tmp_path, revisions.resolve(tmp_path, revision)).notes
        assert any(f"{name} of {revision} has a merge conflict" in note for note in notes)


def test_a_bug_of_ours_keeps_its_traceback(save, tmp_path, monkeypatch):
    save(**{"params.yaml": "a: 1\n"})
    monkeypatch.setattr(reading, "YAML", lambda typ: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        reading.read_yaml(tmp_path, revisions.resolve(tmp_path, "HEAD"), "params.yaml")


def test_a_folder_without_git_is_named(tmp_path):
    with pytest.raises(InputError, match="not a git repository"):
        revisions.resolve(tmp_path, "main")


def test_files_are_those_of_the_revision_and_those_of_the_workspace_as_they_are(save, tmp_path):
    save(a="old")
    save(a="new")
    (tmp_path / "a").write_text("unsaved")
    names = {"HEAD~1": b"old", "HEAD": b"new", "workspace": b"unsaved"}
    for name, content in names.items():
        assert reading.read(tmp_path, revisions.resolve(tmp_path, name), "a") == content


def test_a_project_in_a_folder_of_its_repository_is_read_from_there(git, tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/a").write_text("inner")
    git("add", "--all")
    git("commit", "--quiet", "--message", "state")
    root = tmp_path / "inner"
    assert reading.read(root, revisions.resolve(root, "HEAD"), "a") == b"inner"


@pytest.mark.parametrize("name", ["HEAD", "workspace"])
def test_a_missing_file_is_named_with_its_revision(save, tmp_path, name):
    save(a="1")
    revision = revisions.resolve(tmp_path, name)
    for read in (reading.read, reading.read_json, reading.read_columns, reading.read_yaml):
        with pytest.raises(InputError, match=f"^{name} has no reports/x: run `dvc repro`"):
            read(tmp_path, revision, "reports/x")


def test_contents_are_parsed(save, tmp_path):
    save(
        **{
            "m.json": '{"a": 1}',
            "h.tsv": "epoch\tloss\n1\t0.5\n2\t2.5e-1\n",
            "c.csv": 'class,f1\n"T-shirt, top",0.5\n',
            "params.yaml": "train: {learning_rate: 1e-3}\n",
        }
    )
    head = revisions.resolve(tmp_path, "HEAD")
    assert reading.read_json(tmp_path, head, "m.json") == {"a": 1}
    assert reading.read_columns(tmp_path, head, "h.tsv") == {"epoch": [1, 2], "loss": [0.5, 0.25]}
    assert reading.read_table(tmp_path, head, "c.csv") == [{"class": "T-shirt, top", "f1": "0.5"}]
    # PyYAML alone takes 1e-3 for a string.
    assert reading.read_yaml(tmp_path, head, "params.yaml") == {"train": {"learning_rate": 0.001}}


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (reading.read_json, "{", "cannot be read as JSON"),
        (reading.read_table, "a,b\n1\n", "its rows differ in length"),
        (reading.read_table, "a,b\n1,2,3\n", "its rows differ in length"),
        (reading.read_columns, "a,b\n1,x\n", "not a table of numbers"),
        (reading.read_yaml, "a: [", "cannot be read as YAML"),
        (reading.read_yaml, "- 1", "holds a list"),
    ],
)
def test_damaged_contents_are_one_line(save, tmp_path, read, content, message):
    save(f=content)
    with pytest.raises(InputError, match=rf"^f of HEAD .*{message}"):
        read(tmp_path, revisions.resolve(tmp_path, "HEAD"), "f")


def test_outputs_that_dvc_tracks_are_those_of_the_revision(trained, tmp_path):
    trained = trained.copied(tmp_path / "project")
    experiment = revisions.experiments(trained.folder)[0]
    best = (trained.folder / "models/best.keras").read_bytes()
    (trained.folder / "models/best.keras").write_bytes(b"other")
    revision = revisions.resolve(trained.folder, experiment.name)
    path = reading.fetch_output(trained.folder, revision, "models/best.keras", tmp_path / "fetched")
    assert path.read_bytes() == best
    workspace = revisions.resolve(trained.folder, "workspace")
    path = reading.fetch_output(trained.folder, workspace, "models/best.keras", tmp_path / "fetched")
    assert path.read_bytes() == b"other"
    for name, message in (("HEAD", "models/best.keras of HEAD is neither"), ("workspace", "has no models/x")):
        output = "models/best.keras" if name == "HEAD" else "models/x"
        revision = revisions.resolve(trained.folder, name)
        with pytest.raises(InputError, match=message):
            reading.fetch_output(trained.folder, revision, output, tmp_path / "fetched")
