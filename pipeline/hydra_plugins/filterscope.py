"""What Hydra loads before DVC composes `conf/`: the resolvers of its digests.

DVC finds this folder by `hydra.plugins_path` in `.dvc/config` and imports it, alone of all this
project, into its own process; hence the line that makes `pipeline` importable.
"""

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pipeline.base.errors import InputError  # noqa: E402
from pipeline.config import composing  # noqa: E402
from pipeline.config.params import read_values  # noqa: E402


def tell_dropped(values: dict[str, Any]) -> None:
    """Name the values of `params.yaml` that are lost, since DVC composes each experiment from `conf/`."""
    try:
        old = read_values(ROOT / "params.yaml")
    except InputError:
        return
    dropped = composing.dropped(old, values, composing.default_values(ROOT / "conf"))
    if dropped:
        print("dvc composes conf/ and `-S`; give these values of params.yaml by `-S` too, to keep them:")
    for line in composing.lines(dropped):
        print(f"  {line}")
    sys.stdout.flush()


# Under this name the module is DVC's; this project's own commands import it from `pipeline`.
IN_DVC = __name__ == "hydra_plugins.filterscope"
composing.register(ROOT / "conf", tell_dropped if IN_DVC else None)
