"""`dvc.yaml` tells the truth: what each stage imports, reads of the configuration, and touches."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import yaml

from pipeline.base.imports import closure, imported
from pipeline.commands.deps import deps

ROOT = Path(__file__).parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
# Kept between runs and therefore no output: the state of an interrupted training.
SCRATCH = {".train"}
# Properties of a section, and the keys they read.
PROPERTIES = {"data.input_shape": {"data.image_size", "data.channels"}}


def names(entries: list) -> set[str]:
    return {next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries}


def keys_read(path: Path) -> set[str]:
    """Configuration keys that a stage reads: `cfg.<section>` or `cfg.<section>.<key>`."""
    tree = ast.parse(path.read_text())
    chains, inner = set(), set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Attribute(value=ast.Name("cfg"), attr=section) as value, attr=key):
                chains.add(f"{section}.{key}")
                inner.add(value)
            case ast.Attribute(value=ast.Name("cfg"), attr=section) if node not in inner:
                chains.add(section)
    whole = {chain for chain in chains if "." not in chain}
    expanded = set().union(*(PROPERTIES.get(chain, {chain}) for chain in chains))
    return {key for key in expanded if key.split(".")[0] not in whole} | whole


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_the_script_of_its_name(stage):
    assert STAGES[stage]["cmd"].split()[:3] == ["python", "-m", f"pipeline.stages.{stage}"]


def test_every_script_is_a_stage():
    scripts = {path.stem for path in (ROOT / "pipeline" / "stages").glob("*.py")} - {"__init__"}
    assert scripts == set(STAGES)


def test_code_dependencies_are_those_that_make_deps_writes(tmp_path):
    copy = tmp_path / "dvc.yaml"
    copy.write_bytes((ROOT / "dvc.yaml").read_bytes())
    deps(copy)
    assert copy.read_text() == (ROOT / "dvc.yaml").read_text()
    copy.write_text(copy.read_text().replace("      - pipeline/arrays.py\n", ""))
    deps(copy)
    assert copy.read_text() == (ROOT / "dvc.yaml").read_text()


def test_imports_count_wherever_they_stand_and_through_other_files(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def late():\n    from pipeline import metrics\n    import pipeline.walk_figures\n")
    found = {path.name for path in imported(script)}
    assert found == {"metrics.py", "walk_figures.py"}
    assert Path("pipeline/config.py") in closure(ROOT / "pipeline" / "metrics.py")


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_the_values_that_the_stage_reads(stage):
    declared = set(STAGES[stage].get("params", []))
    assert declared == keys_read(ROOT / "pipeline" / "stages" / f"{stage}.py")


@pytest.mark.parametrize("stage", STAGES)
def test_paths_of_the_command_are_dependencies_and_outputs(stage):
    entry = STAGES[stage]
    outputs = names(entry.get("outs", []) + entry.get("metrics", []))
    data = {dep for dep in names(entry["deps"]) if not dep.endswith(".py")}
    given = set(shlex.split(entry["cmd"])[3:])
    # A folder in the command stands for the files in it that are declared one by one.
    covered = {p for p in data | outputs if p in given or str(Path(p).parent) in given}
    assert covered == data | outputs
    folders = {str(Path(p).parent) for p in data | outputs}
    assert given <= data | outputs | folders | SCRATCH


def test_no_stage_depends_on_the_digest_and_nothing_is_templated():
    text = (ROOT / "dvc.yaml").read_text()
    assert "conf_digest" not in text
    assert "${" not in text


@pytest.mark.parametrize(
    "module",
    [
        "weights",
        "figures",
        "weight_figures",
        "evaluation_figures",
        "feature_figures",
        "walk_figures",
        "explanation_figures",
        "sweep_runs",
        "sweep_figures",
        "sweep_run_figures",
        "sweep_summary",
        "sweep_results",
        "metrics",
        "experiments",
        "sweeps",
        "sweep_jobs",
        "files",
        "arrays",
        "datasets",
        "sources",
        "folders",
        "images",
        "revisions",
        "comparisons",
        "comparison_tables",
        "comparison_plots",
        "comparison_figures",
        "config",
        "cluster",
        "cluster_checks",
        "nodes",
        "node_job",
    ],
)
def test_tensorflow_is_not_imported_where_no_network_runs(module):
    text = (ROOT / "pipeline" / f"{module}.py").read_text()
    assert not re.search(r"import (tensorflow|keras)", text)


def test_matplotlib_is_imported_where_pictures_are_made_only():
    importing = {
        path.stem
        for path in (ROOT / "pipeline").rglob("*.py")
        if re.search(r"^\s*(import|from) matplotlib", path.read_text(), re.MULTILINE)
    }
    # `files` names the type of what it writes, for the type checker alone.
    assert {name for name in importing if not name.endswith("figures")} == {"files"}


def test_imports_run_from_stages_to_nouns_to_config():
    for path in (ROOT / "pipeline").glob("*.py"):
        for other in imported(path):
            assert other.parent.name in ("pipeline", "base"), f"{path.name} imports {other}"
    assert imported(ROOT / "pipeline" / "config.py") == set()
    for path in (ROOT / "pipeline" / "stages").glob("*.py"):
        assert all(other.parent.name != "stages" for other in imported(path))
