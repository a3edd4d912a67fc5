"""What a person runs by hand: `filterscope NAME ...`, the same as `python -m pipeline.commands.NAME ...`."""

import runpy
import sys
from pathlib import Path

NAMES = ("predict", "sweep", "result", "compare", "doctor")


def main() -> None:
    """Run a command with the code of the project in this folder, however this package was installed."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in NAMES:
        sys.exit(f"usage: filterscope {{{','.join(NAMES)}}} ...; received {' '.join(arguments) or 'nothing'}")
    if not Path("pipeline/commands").is_dir():
        sys.exit(f"error: {Path.cwd()}: received a folder without the project, expected that of a clone")
    for module in [name for name in sys.modules if name.split(".")[0] == "pipeline"]:
        del sys.modules[module]
    sys.path.insert(0, str(Path.cwd()))
    name, *sys.argv[1:] = arguments
    runpy.run_module(f"pipeline.commands.{name}", run_name="__main__", alter_sys=True)
