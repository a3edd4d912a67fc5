"""Each benchmark runs, on little data; what the README tells of them is what they measured."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
README = (ROOT / "README.md").read_text()
# The recipes as the README's table calls them, by the name in the results.
RECIPES = {
    "plain": "the textbook's script, 10 epochs",
    "default": "`default`, at most 10 epochs",
    "fast": "`train=fast`, 2 epochs",
}


def test_data_may_be_larger_than_memory():
    command = [sys.executable, str(BENCHMARKS / "larger_than_memory.py"), "40"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    peaks = {
        line[:20].strip(): float(line[20:].split()[0].replace(",", "")) for line in output.splitlines()[2:]
    }
    assert list(peaks) == ["import TensorFlow", "fetch", "prepare", "train", "evaluate"]
    # Neither of the first two needs TensorFlow.
    assert max(peaks["fetch"], peaks["prepare"]) < peaks["import TensorFlow"] < peaks["train"]


def result(name):
    return json.loads((BENCHMARKS / "results" / f"{name}.json").read_text())


def training_row(recipe):
    """Medians over the seeds, and mean and spread of the accuracy, as a row of the README's table."""
    runs = [run for run in result("train_speed")["runs"] if run["recipe"] == recipe]
    epoch, seconds, megabytes = (
        statistics.median(run[key] for run in runs)
        for key in ("epoch_seconds", "seconds", "peak_mb_above_import")
    )
    accuracies = [run["validation_accuracy"] for run in runs]
    reached = f"{statistics.mean(accuracies):.4f} ± {statistics.stdev(accuracies):.4f}"
    return f"| {RECIPES[recipe]} | {epoch:.1f} | {seconds:.0f} | {reached} | {megabytes:.0f} |"


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_readme_quotes_what_training_takes(recipe):
    assert training_row(recipe) in README


def test_the_readme_quotes_what_a_sweep_takes():
    sweep = result("sweep_speed")
    plain, beyond = sum(sweep["plain_seconds"]), sweep["beyond_stages_seconds"]
    assert f"took {sweep['sweep_seconds']:.0f} s where four plain scripts take {plain:.0f} s" in README
    assert f"Beyond its stages a job takes {beyond['alone']} s" in README


def test_the_readme_quotes_what_the_stages_take():
    stages = result("stages")
    assert f"all stages but `train` {stages['all_but_train']:.0f} s together" in README
    assert f"an idle `dvc repro` {stages['idle_repro']:.1f} s" in README
