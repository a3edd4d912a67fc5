"""Composing `conf/`, the source of the configuration, and its digests."""

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pipeline.base.errors import InputError
from pipeline.config.params import check, read_values, refuse_conflict
from pipeline.config.schema import Config

MAX_PRINTED = 10
# The groups whose files name themselves, so that `params.yaml` says which of them it is made of.
CHOSEN = ("data", "model", "train")
DIGESTS = {"conf_digest", "config_digest"}


def conf_digest(folder: Path) -> str:
    """SHA-256 (hex) over the names and bytes of every YAML file below `folder`."""
    return _digest(folder, folder.rglob("*.yaml"))


def config_digest(folder: Path) -> str:
    """SHA-256 (hex) of `config.yaml`, which chooses a file of each group."""
    return _digest(folder, [folder / "config.yaml"])


def _digest(folder: Path, paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def register(folder: Path, tell: Callable[[dict[str, Any]], None] | None = None) -> None:
    """Teach Hydra, in this process, the resolvers of the digests and open sections.

    The sections are open (no struct flag), so that a misspelt key reaches our own one-line error instead of
    Hydra's three-line advice to write `+key`.

    Args:
        folder: `conf/`, over which the digests are taken.
        tell: called with the composed values, as soon as they are resolved.
    """
    from hydra.core.config_store import ConfigStore

    def resolve(*, _root_: DictConfig) -> str:
        if tell is not None:
            tell(_plain(_root_))
        return conf_digest(folder)

    sections = [name for name, field in Config.model_fields.items() if name not in {*DIGESTS, "seed"}]
    open_sections = {name: OmegaConf.create({}, flags={"struct": False}) for name in sections}
    ConfigStore.instance().store(name="open_sections", node=OmegaConf.create(open_sections))
    OmegaConf.register_new_resolver("conf_digest", resolve, replace=True)
    OmegaConf.register_new_resolver("config_digest", lambda: config_digest(folder), replace=True)


def fix_digests(folder: Path) -> None:
    """Have the digests of now stand for `conf/` in this process, also when it is edited or moved."""
    for name, digest in (("conf_digest", conf_digest(folder)), ("config_digest", config_digest(folder))):
        OmegaConf.register_new_resolver(name, functools.partial(str, digest), replace=True)


def compose(folder: Path, overrides: Iterable[str] = ()) -> str:
    """Compose `conf/` as `dvc exp run` does, and check it; `register` must have run in this process.

    Returns:
        The YAML text of `params.yaml`.

    Raises:
        InputError: Hydra refuses the files or the overrides, or a value fails its check.
    """
    _check_names(folder)
    with _hydra_errors():
        composed = _compose(folder, list(overrides))
        OmegaConf.resolve(composed)
    check(Config, OmegaConf.to_container(composed))
    return OmegaConf.to_yaml(composed)


def recompose(folder: Path, old: Mapping[str, Any]) -> str:
    """Compose `conf/` after it changed, with the groups that `old` is made of.

    These are kept unless `config.yaml`, which chooses them, changed as well.

    Raises:
        InputError: as `compose`.
    """
    if old.get("config_digest") != config_digest(folder):
        return compose(folder)
    chosen = {group: old[group].get("name") for group in CHOSEN if isinstance(old.get(group), dict)}
    there = {group: name for group, name in chosen.items() if (folder / group / f"{name}.yaml").is_file()}
    for group in chosen.keys() - there.keys():
        print(
            f"compose: {folder}/{group}/{chosen[group]}.yaml is gone; the default of {group} takes its place"
        )
    return compose(folder, [f"{group}={name}" for group, name in there.items()])


def _check_names(folder: Path) -> None:
    """Refuse a file of a group that does not name itself: a later composition would take another one."""
    for path in folder.rglob("*.yaml"):
        refuse_conflict(path, path.read_text(encoding="utf-8", errors="replace"))
    for path in [path for group in CHOSEN for path in sorted((folder / group).glob("*.yaml"))]:
        name = read_values(path).get("name")
        if name != path.stem:
            raise InputError(f"{path}: name: received {name!r}, expected {path.stem!r}, the name of the file")


def default_values(folder: Path) -> dict[str, Any]:
    """The values of `conf/` without overrides and without digests, unchecked."""
    with _hydra_errors():
        return _plain(_compose(folder, []))


def _plain(composed: DictConfig) -> dict[str, Any]:
    values = OmegaConf.to_container(composed, resolve=False)
    return {str(key): value for key, value in values.items() if key not in DIGESTS}  # type: ignore[union-attr]


def _compose(folder: Path, overrides: list[str]) -> DictConfig:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    try:
        with initialize_config_dir(str(folder.resolve()), version_base="1.3"):
            return hydra_compose(config_name="config", overrides=overrides)
    except RecursionError:
        raise InputError(f"{folder}: two lists of defaults name each other, expected no circle") from None
    # Of an override or a file of another shape than it expects, Hydra raises what it likes.
    except (ValueError, TypeError, AttributeError, LookupError, AssertionError) as error:
        received = f"overrides {' '.join(overrides)}" if overrides else f"files of {folder}"
        raise InputError(f"Hydra cannot read the {received}: {error}") from None


@contextmanager
def _hydra_errors() -> Iterator[None]:
    from hydra.errors import HydraException

    try:
        yield
    except (HydraException, OmegaConfBaseException, YAMLError, UnicodeError) as error:
        raise InputError(str(error)) from None


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> dict[str, tuple[Any, Any]]:
    """Each value that differs between two configurations, old and new, by its dotted key."""
    found: dict[str, tuple[Any, Any]] = {}
    for key in sorted({*old, *new} - DIGESTS):
        before, after = old.get(key, "nothing"), new.get(key, "nothing")
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found |= differences(before, after, f"{prefix}{key}.")
        elif before != after:
            found[f"{prefix}{key}"] = before, after
    return found


def lines(changes: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """Differences as lines, of many the first ten."""
    shown = [f"{key}: {before!r} -> {after!r}" for key, (before, after) in changes.items()]
    rest = len(shown) - MAX_PRINTED
    return shown if rest <= 0 else [*shown[:MAX_PRINTED], f"and {rest} more"]


def dropped(
    old: Mapping[str, Any], new: Mapping[str, Any], default: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """The differences that nobody asked for: where `new` has the value of `default`."""
    asked = differences(default, new)
    return {key: pair for key, pair in differences(old, new).items() if key not in asked}
