"""Nobody else on this machine can put anything into DVC's databases, which run code when read."""

import shutil
import stat
import subprocess
from pathlib import Path

from conftest import ROOT, Project, environment

from pipeline.cluster import node
from pipeline.sweeps.clone import clone


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


def test_the_clone_of_a_job_has_its_own_which_end_with_it(project, tmp_path):
    job = Project.existing(tmp_path / "job")
    clone(project.folder, job.folder, "HEAD")
    before = databases(project)
    job.dvc("stage", "list")
    assert databases(job)
    assert databases(project) == before
    # Local settings, copied there, may hold credentials.
    assert mode(job.folder) == mode(job.folder / ".site") == 0o700


def test_a_clone_on_a_node_has_its_own_and_drops_those_of_earlier_jobs(project, tmp_path):
    folder = tmp_path / "work" / "0"
    folder.parent.mkdir()
    commit = project.run("git", "rev-parse", "HEAD").strip()
    order = node.Order(str(project.folder), commit, {}, {})
    node.update_clone(folder, order)
    on_node = Project.existing(folder)
    (folder / ".site/repo/left").mkdir()
    node.update_clone(folder, order)
    on_node.dvc("stage", "list")
    assert databases(on_node)
    assert not (folder / ".site/repo/left").exists()
    assert mode(folder / ".site") == 0o700
