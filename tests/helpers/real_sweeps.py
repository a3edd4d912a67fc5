"""Real sweeps of a small project: the digits, few filters, one epoch, the stages up to the scores."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import Project, environment, made_once

from pipeline.sweeps.experiment import STAGES


def sweep(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.commands.sweep", *arguments],
        cwd=folder,
        env={**environment(), "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def states(folder: Path, name: str) -> dict[str, dict]:
    """State of each job by its first override."""
    paths = (folder / ".sweeps" / name).glob("*.json")
    return {value["overrides"][0]: value for value in map(json.loads, map(Path.read_text, paths))}


def small_project(factory: pytest.TempPathFactory, worker_id: str, *edits: tuple[str, str, str]) -> Project:
    """A copy to write in, its data split; edits are a file, what stands there, what is to stand there."""
    base = Project.existing(made_once(factory, worker_id, "small", _make))
    made = base.copied(factory.mktemp("small") / "project")
    for edit in edits:
        made.edit(*edit)
    if edits:
        made.dvc("repro", "prepare")
        made.commit()
    return made


def _make(folder: Path) -> None:
    made = Project(folder)
    content = yaml.safe_load(made.read("dvc.yaml"))
    content = {"stages": {name: content["stages"][name] for name in STAGES}}
    (made.folder / "dvc.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    made.edit("conf/config.yaml", "data: fashion_mnist", "data: digits")
    made.edit("conf/train/default.yaml", "epochs: 10 ", "epochs: 1 ")
    made.edit("conf/model/cnn.yaml", "filters: [32, 64]", "filters: [8, 12]")
    # So that a job passes the checks and fails in training.
    made.edit("pipeline/config/train.py", "MAX_LEARNING_RATE = 10\n", "MAX_LEARNING_RATE = 1e38\n")
    # Fewer pictures of test images, which take half of the stage's time.
    made.edit("conf/visualize/default.yaml", "num_predictions: 6 ", "num_predictions: 1 ")
    made.edit("conf/visualize/default.yaml", "num_mistakes: 20 ", "num_mistakes: 1 ")
    made.dvc("repro", "prepare")
    made.commit()
