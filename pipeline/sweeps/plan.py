"""What a sweep will run, and the checks of it before anything runs.

A sweep is named, and so is each of its experiments: `<sweep>-<digest of the overrides>`. The same sweep
started again therefore finds what is done.
"""

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError
from pipeline.config import composing
from pipeline.config.params import read_values
from pipeline.sweeps.checks import SCRATCH, check_jobs, num_cores
from pipeline.sweeps.job import Job

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
# Of letters; the names of files are made of it, and of some forty more.
MAX_NAME = 100
# Each is composed and checked before the first starts.
MAX_JOBS = 1000
SEARCH_SEED = 42
# What may be set of Hydra: where a sweep writes may not, nor what runs other code than this project's.
OPEN = re.compile(
    r"hydra\.job\.name|hydra/(launcher|sweeper|sweeper/sampler)"
    r"|hydra\.(launcher|sweeper\.sampler)\.(?!_).+|hydra\.sweeper\.(n_trials|n_jobs|direction|max_failure_rate)"
)
# By key: what holds for it, where the chosen launcher and sweeper have it, and the words.
BOUNDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "hydra.sweeper.n_trials": (lambda v: 1 <= v <= MAX_JOBS, f"1 to {MAX_JOBS}"),
    "hydra.sweeper.n_jobs": (lambda v: v >= 1, "1 or more"),
    "hydra.sweeper.direction": (
        lambda v: getattr(v, "name", v) in ("maximize", "minimize"),
        "maximize or minimize",
    ),
    "hydra.launcher.n_jobs": (lambda v: v != 0, "1 or more, or -1 for all cores"),
    "hydra.launcher.batch_size": (
        lambda v: v == "auto" or (v.isdigit() and int(v) > 0),
        "auto, or 1 or more",
    ),
}


@dataclass(frozen=True)
class Plan:
    """A sweep, checked.

    Attributes:
        name: of the sweep.
        launcher: Hydra's choice: basic, joblib, ...
        jobs: the experiments; of a search, whose overrides come one after another, none.
        num_jobs: how many experiments there will be.
        arguments: for Hydra's command line.
        remarks: what was added to the user's overrides, in words.
    """

    name: str
    launcher: str
    jobs: list[Job]
    num_jobs: int
    arguments: list[str]
    remarks: list[str]


def plan(conf: Path, given: list[str]) -> Plan:
    """Read the overrides of a command line, complete them, and check every job that they ask for.

    Args:
        conf: folder of the configuration; `config.register` must have run.
        given: Hydra overrides, of which some may stand for several values.

    Raises:
        InputError: Hydra refuses an override, a job's values fail their checks, or two are the same.
    """
    overrides, settings = _parse(conf, given)
    own = [o for o in overrides if not _is_hydras(o)]
    launcher, sweeper = settings["hydra/launcher"], settings["hydra/sweeper"]
    keys = {o.key_or_group for o in overrides}
    added, remarks = [], []
    if launcher == "joblib" and not keys & {"runtime.threads", "runtime"}:
        added.append("runtime.threads=1")
        own = [*own, *_parse(conf, added)[0]]
        remarks.append("runtime.threads=1, since jobs run side by side")
    remarks += _not_taken(conf, keys)
    name = sweep_name(overrides)
    jobs = [] if sweeper == "optuna" else _jobs(conf, name, own)
    if sweeper == "optuna":
        check_jobs(conf, _candidates(own), distinct=False)
    num_jobs = len(jobs) or settings["trials"]
    added += _settings(keys, name, launcher, sweeper, min(num_jobs, num_cores()))
    return Plan(name, launcher, jobs, num_jobs, [*given, *added], remarks)


def _not_taken(conf: Path, keys: set[str]) -> list[str]:
    """Lines for values of `params.yaml` that no job has, since each starts from `conf/`."""
    params = conf.parent / "params.yaml"
    if not params.is_file():
        return []
    changes = composing.differences(read_values(params), composing.default_values(conf))
    own = {key: pair for key, pair in changes.items() if not any(f"{key}.".startswith(f"{k}.") for k in keys)}
    head = "jobs start from conf/; give these values of params.yaml as overrides too, to keep them:"
    return [head, *composing.told(own)] if own else []


def _parse(conf: Path, given: list[str]) -> tuple[list[Any], dict[str, Any]]:
    """Parse overrides, and compose those of Hydra itself: its launcher, its sweeper, its trials."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        with initialize_config_dir(str(conf.resolve()), version_base="1.3"):
            loader = GlobalHydra.instance().config_loader()
            parsed = OverridesParser.create(config_loader=loader).parse_overrides(given)
            _check_keys(parsed)
            _check_choices(parsed, loader)
            hydras = [str(o.input_line) for o in parsed if _is_hydras(o)]
            composed = compose("config", overrides=hydras, return_hydra_config=True)
            choices = OmegaConf.to_container(composed.hydra.runtime.choices)
            settings = {key: OmegaConf.select(composed, key) for key in BOUNDS}
    except (HydraException, OmegaConfBaseException) as error:
        reason = f": {str(error.__cause__).splitlines()[0]}" if error.__cause__ else ""
        raise InputError(f"{error}{reason}") from None
    for key, value in settings.items():
        holds, expected = BOUNDS[key]
        if value is not None and not holds(value):
            raise InputError(f"{key}: received {value!r}, expected {expected}")
    return parsed, {**choices, "trials": settings["hydra.sweeper.n_trials"] or 0}  # type: ignore[dict-item]


def _check_keys(overrides: list[Any]) -> None:
    """Refuse an override without a key, and Hydra's own settings that are a sweep's own."""
    for override in overrides:
        key = override.key_or_group
        if not key or (_is_hydras(override) and not OPEN.fullmatch(key)):
            raise InputError(
                f"{override.input_line}: received a setting that a sweep makes itself, or none; expected"
                " hydra.job.name, a launcher, a sweeper, or values of conf/"
            )


def _check_choices(overrides: list[Any], loader: Any) -> None:
    """Refuse a file of a group that is not there, which Hydra would tell in ten lines."""
    for override in overrides:
        known = loader.get_group_options(override.key_or_group)
        values = override.value()
        given = getattr(values, "list", []) if override.is_sweep_override() else [values]
        wrong = [one for one in given if not override.is_delete() and str(one) not in known]
        if known and wrong:
            raise InputError(
                f"{override.key_or_group}: received {wrong[0]!r}, expected one of {', '.join(known)}"
            )


def _is_hydras(override: Any) -> bool:
    return bool(re.match(r"hydra[./]", override.key_or_group))


def _settings(keys: set[str], name: str, launcher: str, sweeper: str, num_parallel: int) -> list[str]:
    """Overrides of Hydra's own settings that a sweep needs and the user did not give."""
    wanted = {
        "hydra.mode": "MULTIRUN",
        "hydra.job.name": name,
        "hydra.job.chdir": "false",
        # A node makes this folder; see `cluster.opened`.
        "hydra.sweep.dir": "." if launcher == "ray_cluster" else f"{SCRATCH}/{name}",
        "hydra.sweep.subdir": ".",
        "hydra.run.dir": f"{SCRATCH}/{name}",
        "hydra.output_subdir": "null",
        "hydra/hydra_logging": "none",
        "hydra/job_logging": "none",
    }
    if launcher == "joblib":
        wanted["hydra.launcher.n_jobs"] = str(num_parallel)
        # Else jobs that are done already, being quick, make joblib hand out several at once.
        wanted["hydra.launcher.batch_size"] = "1"
    if sweeper == "optuna":
        wanted["hydra.sweeper.direction"] = "maximize"
        if launcher == "basic":
            # Trials drawn together know nothing of each other.
            wanted["hydra.sweeper.n_jobs"] = "1"
        if "hydra/sweeper/sampler" not in keys:
            wanted["hydra.sweeper.sampler.seed"] = str(SEARCH_SEED)
    return [f"{key}={value}" for key, value in wanted.items() if key not in keys]


def sweep_name(overrides: Iterable[Any]) -> str:
    """`hydra.job.name` if given, else the last parts of the keys that take several values.

    Raises:
        InputError: the name cannot be part of a Git reference and of a path.
    """
    given = [str(o.value()) for o in overrides if o.key_or_group == "hydra.job.name"]
    own = [o for o in overrides if not _is_hydras(o)]
    swept = [o for o in own if o.is_sweep_override()] or own
    name = given[-1] if given else "-".join(re.split(r"[./@]", o.key_or_group)[-1] for o in swept) or "single"
    if not NAME.fullmatch(name) or len(name) > MAX_NAME:
        wanted = f"letters, digits, - and _, up to {MAX_NAME}"
        raise InputError(f"hydra.job.name: received {name[:MAX_NAME]!r}, expected {wanted}")
    return name


def experiment_name(sweep: str, overrides: Iterable[str]) -> str:
    """Name of the experiment of a sweep that has these overrides, in whatever order."""
    # A value that cannot be written as UTF-8 is refused by its check.
    given = "\n".join(sorted(overrides)).encode(errors="surrogatepass")
    digest = hashlib.sha256(given).hexdigest()
    return f"{sweep}-{digest[:8]}"


def _jobs(conf: Path, name: str, overrides: list[Any]) -> list[Job]:
    """Each combination as Hydra's own sweeper will make it, checked."""
    combinations = itertools.product(*map(_choices, overrides))
    found = list(map(list, itertools.islice(combinations, MAX_JOBS + 1)))
    if not 1 <= len(found) <= MAX_JOBS:
        received = f"more than {MAX_JOBS}" if found else "no"
        raise InputError(f"sweep {name}: received {received} jobs, expected 1 to {MAX_JOBS}")
    check_jobs(conf, found, distinct=True)
    return [Job(experiment_name(name, one), one) for one in found]


def _choices(override: Any) -> list[str]:
    """An override as one for each of its values."""
    if not override.is_sweep_override():
        return [f"{override.get_key_element()}={override.get_value_element_as_str()}"]
    if not override.is_discrete_sweep():
        line = override.input_line
        raise InputError(f"{line}: received an interval, expected a list of values, or hydra/sweeper=optuna")
    from hydra.errors import HydraException

    try:
        values = list(itertools.islice(override.sweep_string_iterator(), MAX_JOBS + 1))
    # A range whose steps are 0.
    except (ValueError, HydraException) as error:
        raise InputError(f"{override.input_line}: {error}") from None
    return [f"{override.get_key_element()}={value}" for value in values]


def _candidates(overrides: list[Any]) -> list[list[str]]:
    """Overrides to check before a search: each choice, and each end of an interval, one at a time."""
    fixed = [choice for o in overrides if not o.is_sweep_override() for choice in _choices(o)]
    swept = [o for o in overrides if o.is_sweep_override()]
    return [[*fixed, one] for o in swept for one in _extremes(o)] or [fixed]


def _extremes(override: Any) -> list[str]:
    if override.is_choice_sweep():
        return _choices(override)
    bounds = override.value()
    last = bounds.end if override.is_interval_sweep() else bounds.stop
    return [f"{override.get_key_element()}={value}" for value in (bounds.start, last)]
