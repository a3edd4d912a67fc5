"""What Hydra loads before DVC composes `conf/`: the digest resolver and the checks behind it.

DVC finds this folder by `hydra.plugins_path` in `.dvc/config` and imports it, alone of all this
project, into its own process; hence the line that makes `pipeline` importable.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pipeline.config import Config, register  # noqa: E402  (needs the path above)
from pipeline.models import trace_shapes  # noqa: E402


def check_network(cfg: Config) -> None:
    """Refuse a network whose layers do not fit its input, before any data is fetched."""
    trace_shapes(cfg.model, cfg.data.input_shape)


register(ROOT / "conf", check_network)
