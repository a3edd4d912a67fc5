"""A run in another clone, in another place of the world, by another user, on fewer cores: the same bytes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import ROOT, Project, digest, environment, stages_run

SCRIPT = ROOT / "tests/helpers/every_command.py"
WRITTEN = ("data/*/*", "models/*", "reports/*", "reports/figures/*/*")
BUT = ("reports/timing.json", "reports/made_with.json")
# Under another number and name, as the system tells them: no program has to be readable for a second user.
AS_ANOTHER = ("unshare", "--user", "--map-user=4321", "--map-group=4321", "--")
SEOUL = {"TZ": "Asia/Seoul", "LC_ALL": "C", "PYTHONHASHSEED": "1", "COLUMNS": "30"}
ST_JOHNS = {"TZ": "America/St_Johns", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "2", "COLUMNS": "300"}


def run(folder: Path, command: list[str], more: dict[str, str], cores: int | None = None) -> str:
    """Output of a command of another user in a folder, with a home of its own."""
    seen = sorted(os.sched_getaffinity(0))[:cores]
    done = subprocess.run(
        [*another_user(), "taskset", "--cpu-list", ",".join(map(str, seen)), *command],
        cwd=folder,
        env={**environment(), "HOME": str(folder.parent), "USER": "another", "LOGNAME": "another", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def another_user() -> tuple[str, ...]:
    """What makes a command's user another one; nothing where the system has no user namespaces."""
    allowed = subprocess.run([*AS_ANOTHER, "true"], capture_output=True).returncode == 0
    return AS_ANOTHER if allowed else ()


def written(project: Project) -> dict[str, str]:
    """SHA-256 of all that the stages of a project wrote, but for its commit and the seconds that it took."""
    found = digest(project.folder, *WRITTEN)
    assert {"models/best.keras", "reports/index.html", "reports/metrics.json"} <= set(found)
    return {name: value for name, value in found.items() if name not in BUT}


def test_a_clone_elsewhere_leaves_the_same_bytes(trained, tmp_path):
    clone = Project(tmp_path / "한 글" / "clone")
    shutil.copy(trained.folder / "params.yaml", clone.folder)
    run(clone.folder, [sys.executable, str(SCRIPT)], SEOUL, cores=1)
    assert written(clone) == written(trained)


def test_repeating_everything_elsewhere_gives_the_same_bytes(trained, tmp_path):
    (tmp_path / "a b").mkdir()
    copy = trained.copied(tmp_path / "a b" / "copy")
    assert len(stages_run(run(copy.folder, ["dvc", "repro", "--force"], ST_JOHNS))) == 10
    assert written(copy) == written(trained)
    assert stages_run(copy.dvc("repro")) == []
