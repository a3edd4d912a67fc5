"""Nobody else on this machine can put anything into DVC's databases, which run code when read."""

import shutil
import stat
import subprocess
from pathlib import Path

from conftest import ROOT, Project, environment


def databases(project: Project) -> list[Path]:
    return sorted((project.folder / ".site").rglob("cache.db"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_after_make_nobody_else_enters_them_and_every_folder_uses_the_same(project):
    shutil.copy(ROOT / "Makefile", project.folder)
    project.run("make", "--old-file=.venv/installed", ".site/private")
    assert mode(project.folder / ".site") == 0o700
    subprocess.run(
        ["dvc", "stage", "list", "../dvc.yaml"], cwd=project.folder / "conf", env=environment(), check=True
    )
    assert not (project.folder / "conf" / ".site").exists()
    assert databases(project)
