"""Write into `dvc.yaml` which code each stage depends on: what its script imports.

python -m pipeline.commands.deps
"""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from pipeline.base.files import replaced
from pipeline.base.imports import ROOT, closure

# Named as a whole: few of their files change without concerning every stage that imports one, and DVC
# takes a second longer for each run when they stand one by one.
WHOLE = ("base", "network", "training")


def deps(path: Path) -> None:
    """Replace the code among the dependencies of each stage of a `dvc.yaml`; comments and all else stay."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 110
    pipeline = yaml.load(path)
    for name, stage in pipeline["stages"].items():
        code = {_named(file) for file in closure(ROOT / "pipeline" / "stages" / f"{name}.py")}
        data = {entry for entry in stage["deps"] if not is_code(entry)}
        stage["deps"] = CommentedSeq(sorted(data | code))
    with replaced(path) as temporary:
        yaml.dump(pipeline, temporary)


def _named(file: Path) -> str:
    """A file of the code, or its folder where that is named as a whole."""
    return str(file.parent if file.parent.name in WHOLE else file)


def is_code(dependency: str) -> bool:
    """Whether a dependency of a stage is one of those that its script imports."""
    return dependency.endswith(".py") or dependency in {f"pipeline/{room}" for room in WHOLE}


if __name__ == "__main__":
    deps(ROOT / "dvc.yaml")
