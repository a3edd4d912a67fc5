"""What the tests share: the real `dvc` in a copy of this project, and one small trained network."""

import fcntl
import functools
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from omegaconf import OmegaConf

from pipeline.config import composing
from pipeline.config.params import check, load
from pipeline.config.schema import Config
from pipeline.hydra_plugins import filterscope  # noqa: F401  (registers the resolver)
from pipeline.network.layers import build_model
from pipeline.network.start import configure_runtime, import_keras

ROOT = Path(__file__).parents[1]
# What `trained` is; few filters and test images, since each costs time in the pictures.
SETTINGS = ("data=digits", "train=smoke", "model.filters=[8,12]")
PICTURES = ("visualize.num_predictions=2", "visualize.num_mistakes=4")
DIGITS = tuple(part for setting in (*SETTINGS, *PICTURES) for part in ("-S", setting))
# A shell that starts the tests in the background has them, and all that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
# A slow machine is no fault of the code.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
COPIED = (
    "conf",
    "sweeping",
    "data/external/README.md",
    "pipeline",
    "dvc.yaml",
    "params.yaml",
    ".dvc/config",
    ".dvc/.gitignore",
    ".site/repo/.gitignore",
    ".dvcignore",
    ".gitignore",
)


# Longest first, so that neither of two workers is left alone with one of these at the end.
LONGEST = (
    "test_sweep",
    "test_cluster",
    "test_elsewhere",
    # Does without `trained`, which the file before is the first to make.
    "test_own_images",
    "test_every_network",
    "test_search",
    "test_compose",
    "test_compare",
    "test_faulty_disk",
    "test_pipeline",
    "test_train",
    "test_trainer",
    "test_benchmarks",
    "test_steps",
    "test_plan",
)


def pytest_collection() -> None:
    """Import Keras before any test file does, which would take twice as long; the controller needs none."""
    import_keras()


# What starts dvc, a browser or a cluster, or trains for seconds; `make quick` leaves it out.
SLOW_FIXTURES = {"project", "trained", "browser", "window", "default_page", "make_page"}
SLOW_FILES = {"test_elsewhere", "test_every_network", "test_benchmarks", "test_trainer", "test_cluster"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first, and leave the others in their order; mark what is slow."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(LONGEST)))
    for item in items:
        if item.path.stem in SLOW_FILES or SLOW_FIXTURES & set(item.fixturenames):  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.slow)


def environment() -> dict[str, str]:
    """This process's environment: this Python first, a Git identity, and what Windows lacks refused."""
    person = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "Test"), ("EMAIL", "test@example.com"))
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    no_posix = str(ROOT / "tests/helpers/no_posix")
    return {**os.environ, **person, "PATH": path, "PYTHONPATH": no_posix, "GIT_CONFIG_GLOBAL": os.devnull}


def digest(folder: Path, *patterns: str) -> dict[str, str]:
    """SHA-256 by name of the files below a folder that match some patterns."""
    paths = sorted(path for pattern in patterns for path in folder.glob(pattern) if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


class Project:
    """A copy of this project in a Git repository of its own, for the real `dvc`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            source, target = ROOT / name, folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        self.run("git", "init", "--quiet", "--initial-branch=main")
        self.commit()

    def copied(self, folder: Path) -> "Project":
        """A copy, to write in; without what running commands keep in `.dvc/tmp`."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("tmp"))
        return Project.existing(folder)

    @classmethod
    def existing(cls, folder: Path) -> "Project":
        """A project that already lies in a folder."""
        project = cls.__new__(cls)
        project.folder = folder
        return project

    def run(self, *command: str, fails: bool = False) -> str:
        """Run a command; return stdout and stderr; insist on success or on failure."""
        result = subprocess.run(
            command, cwd=self.folder, env=environment(), capture_output=True, text=True, timeout=300
        )
        output = result.stdout + result.stderr
        assert (result.returncode != 0) == fails, f"{command} -> {result.returncode}\n{output}"
        return output

    def dvc(self, *arguments: str, fails: bool = False) -> str:
        return self.run("dvc", *arguments, fails=fails)

    def stage(self, name: str, *arguments: str, fails: bool = False) -> str:
        return self.run("python", "-m", f"pipeline.stages.{name}", *arguments, fails=fails)

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "state")

    def params(self) -> Config:
        return load(Config, self.folder / "params.yaml")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def edit(self, name: str, old: str, new: str) -> None:
        text = self.read(name)
        assert text.count(old) == 1, f"{name} holds {old!r} {text.count(old)} times"
        (self.folder / name).write_text(text.replace(old, new))


def stages_run(output: str) -> list[str]:
    """The stages that `dvc` ran, by its output."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


@pytest.fixture(scope="session", autouse=True)
def _runtime() -> None:
    """TensorFlow takes its threads before its first operation only: set them as the stages do."""
    configure_runtime(seed=0, threads=2, device="auto")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def made_once(
    factory: pytest.TempPathFactory, worker_id: str, name: str, make: Callable[[Path], object]
) -> Path:
    """A folder for reading only: whichever of the test processes comes first makes it, the others wait."""
    own = factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """The whole pipeline, run once on scikit-learn's digits by `dvc exp run`; for reading only."""

    def train(folder: Path) -> None:
        Project(folder / "project").dvc("exp", "run", *DIGITS)

    return Project.existing(made_once(tmp_path_factory, worker_id, "trained", train) / "project")


@functools.cache
def _values(*overrides: str) -> Any:
    return OmegaConf.create(composing.compose(ROOT / "conf", list(overrides)))


def composed(*overrides: str) -> Config:
    """Compose `conf/` with overrides, in this process, and check it."""
    return check(Config, OmegaConf.to_container(_values(*overrides)))


@pytest.fixture
def compose() -> Callable[..., Config]:
    return composed


@pytest.fixture
def small_network() -> Callable[..., Any]:
    """Build an untrained network for images of 12×12 and three classes, with overrides."""

    def build(*overrides: str, channels: int = 1) -> Any:
        configure_runtime(seed=5, threads=2, device="auto")
        model = composed("model.filters=[3,4]", "model.dense=[7]", *overrides).model
        return build_model(model, input_shape=(12, 12, channels), num_classes=3)

    return build
