"""A run in another clone, in another place of the world, by another user, on fewer cores: the same bytes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Project, digest, environment

SCRIPT = ROOT / "tests/helpers/every_command.py"
WRITTEN = ("data/*/*", "models/*", "reports/*", "reports/figures/*/*")
# Under another number and name, as the system tells them: no program has to be readable for a second user.
AS_ANOTHER = ("unshare", "--user", "--map-user=4321", "--map-group=4321", "--")
# In a folder of that name: what differs from the run of `trained`, and how many cores it sees.
PLACES = {
    "한 글": ({"TZ": "Asia/Seoul", "LC_ALL": "C", "PYTHONHASHSEED": "1", "COLUMNS": "30"}, 1),
    "a b": ({"TZ": "America/St_Johns", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "2", "COLUMNS": "300"}, None),
}


def start(folder: Path, more: dict[str, str], cores: int | None) -> "subprocess.Popen[str]":
    """Run every stage in a clone, with a home of its own."""
    seen = sorted(os.sched_getaffinity(0))[:cores]
    return subprocess.Popen(
        [*another_user(), "taskset", "--cpu-list", ",".join(map(str, seen)), sys.executable, str(SCRIPT)],
        cwd=folder,
        env={**environment(), "HOME": str(folder.parent), "USER": "another", "LOGNAME": "another", **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def another_user() -> tuple[str, ...]:
    """What makes a command's user another one; nothing where the system has no user namespaces."""
    allowed = subprocess.run([*AS_ANOTHER, "true"], capture_output=True).returncode == 0
    return AS_ANOTHER if allowed else ()


# Seconds, and the commit, which each clone made for itself.
OF_ITS_OWN = {"reports/timing.json", "reports/made_with.json"}


@pytest.fixture
def places(trained, tmp_path):
    """Clones of the project, with the parameters of `trained`."""
    for name in PLACES:
        made = Project(tmp_path / name / "clone").folder
        shutil.copy(trained.folder / "params.yaml", made)
    return tmp_path


def test_clones_elsewhere_leave_the_same_bytes(trained, places):
    runs = {name: start(places / name / "clone", *about) for name, about in PLACES.items()}
    outputs = {name: run.communicate(timeout=600)[0] for name, run in runs.items()}
    expected = {k: v for k, v in digest(trained.folder, *WRITTEN).items() if k not in OF_ITS_OWN}
    assert {"models/best.keras", "reports/index.html", "reports/metrics.json"} <= set(expected)
    for name, run in runs.items():
        assert run.returncode == 0, outputs[name]
        found = digest(places / name / "clone", *WRITTEN)
        assert {key: found.get(key) for key in expected} == expected
