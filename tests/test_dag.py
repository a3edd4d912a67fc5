"""`dvc.yaml` is right about what each stage imports, reads of the configuration, and writes."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import yaml

from pipeline.base.imports import closure, imported
from pipeline.commands.deps import deps, is_code

ROOT = Path(__file__).parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
# Each imports from those above it alone.
FOLDERS = ("base", "config", "data", "network", "training", "analysis", "pictures", "page", "runs", "sweeps")
FOLDERS += ("hydra_plugins", "stages", "commands")
# Kept between runs and therefore no output: the state of an interrupted training.
SCRATCH = {".train"}
# Properties of a section, and the keys they read.
PROPERTIES = {"data.input_shape": {"data.image_size", "data.channels"}, "data.resize": {"data.source"}}


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
    # A method of a section reads all of it.
    chains = {chain.partition(".model_")[0] for chain in chains}
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
    copy.write_text(copy.read_text().replace("      - pipeline/base\n", ""))
    deps(copy)
    assert copy.read_text() == (ROOT / "dvc.yaml").read_text()


def test_imports_count_wherever_they_stand_and_through_other_files(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "def late():\n    from pipeline.analysis import scores\n    import pipeline.pictures.walk\n"
    )
    found = {path.name for path in imported(script)}
    assert found == {"scores.py", "walk.py"}
    assert Path("pipeline/base/files.py") in closure(ROOT / "pipeline" / "analysis" / "scores.py")


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_the_values_that_the_stage_reads(stage):
    declared = set(STAGES[stage].get("params", []))
    assert declared == keys_read(ROOT / "pipeline" / "stages" / f"{stage}.py")


@pytest.mark.parametrize("stage", STAGES)
def test_paths_of_the_command_are_dependencies_and_outputs(stage):
    entry = STAGES[stage]
    outputs = names([out for kind in ("outs", "metrics", "plots") for out in entry.get(kind, [])])
    data = {dep for dep in names(entry["deps"]) if not is_code(dep)}
    given = set(shlex.split(entry["cmd"])[3:])
    # A folder in the command stands for the files in it that are declared one by one.
    covered = {p for p in data | outputs if p in given or str(Path(p).parent) in given}
    assert covered == data | outputs
    folders = {str(Path(p).parent) for p in data | outputs}
    assert given <= data | outputs | folders | SCRATCH


@pytest.mark.parametrize("stage", [name for name in STAGES if name != "compose"])
def test_nothing_turns_the_run_cache_of_dvc_off(stage):
    entry = STAGES[stage]
    assert "persist" not in str(entry)
    assert all(isinstance(out, str) for out in entry.get("outs", []))


def test_no_stage_depends_on_the_digest_and_nothing_is_templated():
    text = (ROOT / "dvc.yaml").read_text()
    assert "conf_digest" not in text
    assert "${" not in text


def importing(package: str) -> set[str]:
    """Folders and files of `pipeline/` that import a package, wherever the import stands."""
    line = re.compile(rf"^\s*(import|from) {package}\b", re.MULTILINE)
    files = (ROOT / "pipeline").rglob("*.py")
    return {str(path.relative_to(ROOT / "pipeline")) for path in files if line.search(path.read_text())}


def test_tensorflow_is_imported_where_a_network_runs_only():
    folders = {name.split("/")[0] for name in importing("tensorflow") | importing("keras")}
    assert folders <= {"network", "training", "analysis", "page", "stages"}
    # What no network runs in may not import it through others either.
    for stage in ("compose", "fetch", "prepare", "visualize_weights", "compare_untrained"):
        loaded = {str(path) for path in closure(ROOT / "pipeline" / "stages" / f"{stage}.py")}
        assert not loaded & {"pipeline/network/batches.py", "pipeline/network/outputs.py"}, stage


def test_matplotlib_is_imported_where_pictures_are_made_only():
    assert {name.split("/")[0] for name in importing("matplotlib")} == {"pictures"}


def test_each_folder_imports_only_from_itself_and_those_before_it():
    for number, folder in enumerate(FOLDERS):
        for path in (ROOT / "pipeline" / folder).glob("*.py"):
            allowed = {*FOLDERS[: number + 1]} - ({folder} if folder == "stages" else set())
            assert {other.parent.name for other in imported(path)} <= allowed, path
    assert {path.parent.name for path in (ROOT / "pipeline").rglob("*.py")} <= {*FOLDERS, "pipeline"}
    assert [path.name for path in (ROOT / "pipeline").glob("*.py")] == ["__init__.py"]
