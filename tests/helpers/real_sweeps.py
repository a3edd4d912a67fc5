"""Real sweeps of a small project: the digits, few filters, one epoch, the stages up to the scores."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import Project, environment, made_once

from pipeline.runs.revisions import experiments
from pipeline.sweeps.job import STAGES


def start(folder: Path, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.commands.sweep", *arguments],
        cwd=folder,
        env={**environment(), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def sweep(folder: Path, *arguments: str, code: int = 0, **variables: str) -> str:
    """Output of a sweep that ends with an exit code."""
    process = start(folder, *arguments, **variables)
    output = process.communicate(timeout=600)[0]
    assert process.returncode == code, output
    return output


def names(folder: Path, sweep_name: str) -> list[str]:
    """The experiments of a sweep."""
    return [one.name for one in experiments(folder) if one.name.startswith(f"{sweep_name}-")]


def small_project(factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """A copy to write in, its data split."""
    base = Project.existing(made_once(factory, worker_id, "small", _make))
    return base.copied(factory.mktemp("small") / "project")


def _make(folder: Path) -> None:
    made = Project(folder)
    content = yaml.safe_load(made.read("dvc.yaml"))
    stages = {name: stage for name, stage in content["stages"].items() if name in STAGES}
    (made.folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    made.edit("conf/config.yaml", "data: fashion_mnist", "data: digits")
    made.edit("conf/train/default.yaml", "epochs: 10 ", "epochs: 1 ")
    made.edit("conf/model/cnn.yaml", "filters: [32, 64]", "filters: [8, 12]")
    made.edit("conf/visualize/default.yaml", "num_predictions: 6 ", "num_predictions: 1 ")
    made.edit("conf/visualize/default.yaml", "num_mistakes: 20 ", "num_mistakes: 1 ")
    made.dvc("repro", "prepare")
    made.commit()
