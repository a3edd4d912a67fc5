"""Write into `dvc.yaml` which code each stage depends on: the files that its script imports.

python -m pipeline.commands.deps
"""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from pipeline.base.files import replaced
from pipeline.base.imports import ROOT, closure


def deps(path: Path) -> None:
    """Replace the code among the dependencies of each stage; comments and all else stay.

    Args:
        path: of `dvc.yaml`.
    """
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 110
    pipeline = yaml.load(path)
    for name, stage in pipeline["stages"].items():
        code = closure(ROOT / "pipeline" / "stages" / f"{name}.py")
        data = [entry for entry in stage["deps"] if not entry.endswith(".py")]
        stage["deps"] = CommentedSeq(sorted([*data, *map(str, code)]))
    with replaced(path) as temporary:
        yaml.dump(pipeline, temporary)


if __name__ == "__main__":
    deps(ROOT / "dvc.yaml")
