"""Run the pipeline over many configurations, each one a DVC experiment; a command line of Hydra.

    filterscope sweep 'model.filters=[8,16],[16,32],[32,64]' seed=1,2,3
    filterscope sweep --config-name filters                   a sweep in a file: sweeping/filters.yaml
    filterscope sweep hydra/launcher=joblib seed=1,2,3        side by side; ray_cluster: docs/cluster.md
    filterscope sweep hydra/sweeper=optuna hydra.sweeper.n_trials=6 'train.learning_rate=interval(0.001,0.01)'

Each combination becomes the experiment `<sweep>-<digest>`, made from HEAD in a clone, so this folder may be
worked in meanwhile. Started again, it runs what is not there yet. Logs are in `.sweeps/<sweep>/`, the result
in `reports/sweeps/<sweep>/`.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from pipeline.base.errors import one_line_errors
from pipeline.base.git import git
from pipeline.hydra_plugins import filterscope  # noqa: F401  (registers what conf/ needs to be composed)
from pipeline.sweeps.callback import SCRATCH, noted
from pipeline.sweeps.job import Order, run


def task(cfg: DictConfig) -> float:
    """What Hydra calls for each job, in this process or in another one; see `callback.Sweep`."""
    folder = Path(cfg.data.folder or "").expanduser()
    unwatched = str(folder) if folder.is_absolute() else ""
    params = OmegaConf.to_yaml(cfg, resolve=True)
    return run(Order(**noted()), list(HydraConfig.get().overrides.task), params, unwatched)


def main() -> None:
    """Let Hydra run it, from `conf/` as committed and `sweeping/`: both may be edited or moved meanwhile."""
    root = Path.cwd()
    (root / SCRATCH).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="conf-", dir=root / SCRATCH) as folder:
        git(root, "archive", "--format=zip", f"--output={folder}/conf.zip", "HEAD:conf")
        shutil.unpack_archive(f"{folder}/conf.zip", folder)
        shutil.copytree(root / "sweeping", folder, dirs_exist_ok=True)
        try:
            hydra.main(config_path=folder, config_name="base", version_base="1.3")(task)()
        except KeyboardInterrupt:
            print("\ninterrupted; what is done is kept, the same command runs the rest", file=sys.stderr)
            raise


if __name__ == "__main__":
    with one_line_errors():
        main()
