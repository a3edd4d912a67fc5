"""The jobs of a sweep as Hydra composes them, and the checks of them before the first one runs."""

import json
import re
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.utils import JobRuntime
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from pipeline.base.errors import InputError
from pipeline.base.git import git
from pipeline.config.composing import differences
from pipeline.config.params import check
from pipeline.config.schema import Config
from pipeline.sweeps.job import experiment_name

# What an experiment is made of; reports and dvc.lock are what it makes.
SOURCES = ("conf", "pipeline", "networks", "params.yaml", "dvc.yaml", ".dvc", ".dvcignore", "data/external")


def check_repository(root: Path) -> None:
    """Insist on a Git repository in which all that an experiment is made of is committed."""
    changed = git(root, "status", "--porcelain", "--untracked-files=all", "--", *SOURCES).splitlines()
    if changed:
        names = ", ".join(line.strip().split(maxsplit=1)[-1] for line in changed)
        raise InputError(f"uncommitted changes: {names}; jobs start from a commit: commit or stash them")


def complete(config: DictConfig) -> None:
    """Add to the overrides what a sweep's file chooses and sets, and one thread for jobs side by side."""
    loader, task = GlobalHydra.instance().config_loader(), config.hydra.overrides.task
    keys, hydras = {one.key_or_group for one in _overrides(config)}, list(config.hydra.overrides.hydra)
    plain = loader.load_configuration("base", hydras, RunMode.MULTIRUN).hydra.runtime.choices
    own = loader.load_configuration(config.hydra.job.config_name, hydras, RunMode.MULTIRUN)
    chosen = {key: file for key, file in own.hydra.runtime.choices.items() if plain.get(key) != file}
    groups = [f"{key}={file}" for key, file in chosen.items() if not re.search("^hydra/|@", key)]
    base = loader.load_configuration("base", [*hydras, *groups], RunMode.MULTIRUN)
    changes = differences(_values(base), _values(own))
    for text in (*groups, *(f"{key}={json.dumps(value)}" for key, (_, value) in changes.items())):
        if not any(f"{text.partition('=')[0]}.".startswith(f"{one}.") for one in keys):
            task.append(text)
    if "joblib" in config.hydra.launcher._target_:
        # Else those whose experiment is there, being quick, make joblib hand out several jobs at once.
        config.hydra.launcher.batch_size = "1"
        task += [] if keys & {"runtime", "runtime.threads"} else ["runtime.threads=1"]


def sweep_name(config: DictConfig) -> str:
    """`hydra.job.name`, else that of the sweep's file, else the last parts of the keys that are swept."""
    name, file = config.hydra.job.name, config.hydra.job.config_name
    if name == JobRuntime.instance().get("name"):
        swept = [one.key_or_group for one in _overrides(config) if one.is_sweep_override()]
        name = file if file != "base" else "-".join(re.split(r"[./@]", key)[-1] for key in swept) or "single"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", name):
        raise InputError(f"hydra.job.name: received {name!r}, expected up to 100 letters, digits, - and _")
    return str(name)


def planned(root: Path, config: DictConfig) -> tuple[dict[str, list[str]], set[str]]:
    """Compose and check every job; of a search, whose jobs nobody knows, what all of them have.

    Returns:
        Overrides of each job by the name of its experiment, none for a search; data folders that DVC does
        not watch.

    Raises:
        InputError: a job's values fail their checks, or two jobs are the same.
    """
    overrides, unwatched = _overrides(config), set()
    found: dict[str, list[str]] = {}
    search = not config.hydra.sweeper._target_.endswith("BasicSweeper")
    certain = [one for one in overrides if not (search and one.is_sweep_override())]
    for job in BasicSweeper.split_arguments(certain, None)[0]:
        try:
            composed = GlobalHydra.instance().config_loader().load_sweep_config(config, job)
            cfg = check(Config, _values(composed))
            data = absolute(root, cfg.data.folder)
        except (InputError, HydraException, OmegaConfBaseException) as error:
            raise InputError(f"job {' '.join(job)}: {error}") from None
        name = experiment_name(config.hydra.job.name, OmegaConf.to_yaml(composed, resolve=True), data)
        if name in found:
            raise InputError(f"jobs {' '.join(found[name])} and {' '.join(job)} are the same; leave one out")
        found[name] = job
        unwatched |= {data} - {""}
    return {} if search else found, unwatched


def _overrides(config: DictConfig) -> list[Override]:
    """Those of the command line and of `hydra.sweeper.params`, as Hydra's sweepers take them together."""
    own = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    parser = OverridesParser.create(GlobalHydra.instance().config_loader())
    return parser.parse_overrides([*own, *config.hydra.overrides.task])


def _values(config: DictConfig) -> dict[str, Any]:
    """Composed values without Hydra's own, which are taken out."""
    with read_write(config), open_dict(config):
        config.pop("hydra")
    return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]


def absolute(root: Path, folder: str | None) -> str:
    """The absolute path of a data folder, which DVC does not watch; "" for one that clones have.

    Raises:
        InputError: the folder is in neither Git nor DVC.
    """
    path = Path(folder or "").expanduser()
    if path.is_absolute():
        return str(path)
    records = [f"{one.as_posix()}.dvc" for one in (path, *path.parents)]
    if folder and not git(root, "ls-files", "--", folder, *records):
        raise InputError(
            f"data.folder: {folder} is not tracked, and jobs run in clones: `dvc add {folder}`"
            " (docs/own-data.md), or give the absolute path"
        )
    return ""
