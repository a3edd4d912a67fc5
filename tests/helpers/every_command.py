"""All stages by the commands of `dvc.yaml`, in one process, which saves the start of nine others.

python every_command.py    # in a clone of this project
"""

import runpy
import shlex
import sys
from pathlib import Path

import yaml

if __name__ == "__main__":
    sys.path[0] = ""
    for name, stage in yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"].items():
        python, option, module, *arguments = shlex.split(stage["cmd"])
        if (python, option) != ("python", "-m"):
            raise SystemExit(f"stage {name}: received {stage['cmd']}, expected python -m MODULE")
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
