"""Stage `compose`: conf/ -> params.yaml, keeping the overrides of `dvc exp run -S`.

python -m pipeline.stages.compose conf params.yaml
"""

import os
import sys
from pathlib import Path

from pipeline.base import files
from pipeline.config import composing
from pipeline.config.params import check, read_values
from pipeline.config.schema import Config
from pipeline.hydra_plugins import filterscope  # noqa: F401  (registers what conf/ needs to be composed)
from pipeline.stages import stage


def compose(conf: Path, params: Path) -> None:
    """Write `params.yaml` anew when `conf/` has changed since it was composed; else keep it.

    `dvc exp run -S` writes its overrides into `params.yaml` with today's digest of `conf/`, and a
    hand edit leaves that digest alone: both are kept, once checked. After an edit of `conf/` the
    digest differs: the file is composed anew, of the same files of its groups unless `config.yaml`
    changed, and every value that changes is named.

    Args:
        conf: folder with `config.yaml` and its groups.
        params: the file to check or to write.

    Raises:
        InputError: a value is wrong; `params.yaml` is then left as it was.
    """
    old = read_values(params) if params.exists() else {}
    if old.get("conf_digest") == composing.conf_digest(conf):
        check(Config, old)
        # DVC sets this for the stages of an experiment, whose values it has composed itself.
        how = "composed by dvc" if "DVC_EXP_NAME" in os.environ else "kept"
        print(f"compose: {params} is up to date with {conf}/ and valid; {how}")
        return
    files.write_text(params, composing.recompose(conf, old))
    changes = composing.differences(old, read_values(params)) if old else {}
    print(f"compose: {params} written from {conf}/; values that change: {len(changes)}")
    for key, (before, after) in changes.items():
        print(f"compose:   {key}: {before!r} -> {after!r}")


if __name__ == "__main__":
    with stage():
        compose(*map(Path, sys.argv[1:]))
