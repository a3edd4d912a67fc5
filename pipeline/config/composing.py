"""Composing `conf/`, the source of the configuration, and its digest."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException
from yaml import YAMLError

from pipeline.base.errors import InputError
from pipeline.base.files import read_bytes
from pipeline.config.params import MAX_YAML_BYTES, check, yaml_text
from pipeline.config.schema import Config

MAX_TOLD = 10


def conf_digest(folder: Path) -> str:
    """SHA-256 (hex) over the names and bytes of every YAML file below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.yaml")):
        content = read_bytes(path, MAX_YAML_BYTES)
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def register(
    folder: Path, check_more: Callable[[Config], None], tell: Callable[[dict[str, Any]], None] | None = None
) -> None:
    """Teach Hydra, in this process, the `conf_digest` resolver and open sections.

    Resolving `conf_digest`, which DVC does before it writes `params.yaml`, first checks all the
    values. The sections are open (no struct flag), so that a misspelt key reaches that check and
    its one-line error instead of Hydra's three-line advice to write `+key`.

    Args:
        folder: `conf/`, over which the digest is taken.
        check_more: raises `InputError` when values that are right one by one do not fit together.
        tell: given the composed values, once they are checked.
    """
    from hydra.core.config_store import ConfigStore

    def digest(*, _root_: Any) -> str:
        digest, plain = conf_digest(folder), _without_digest(_root_)
        try:
            check_more(check(Config, {**plain, "conf_digest": digest}))
        except InputError as error:
            refusal = InterpolationResolutionError(str(error))
            # OmegaConf adds lines about its own types to an error that is not marked as complete.
            refusal._initialized = True
            raise refusal from None
        if tell is not None:
            tell(plain)
        return digest

    sections = [f.name for f in fields(Config) if is_dataclass(f.type)]
    open_sections = {name: OmegaConf.create({}, flags={"struct": False}) for name in sections}
    ConfigStore.instance().store(name="open_sections", node=OmegaConf.create(open_sections))
    OmegaConf.register_new_resolver("conf_digest", digest, replace=True)


def compose(folder: Path, overrides: list[str] | None = None) -> str:
    """Compose `conf/` as `dvc exp run` does; `register` must have run in this process.

    Returns:
        The YAML text of `params.yaml`.

    Raises:
        InputError: Hydra refuses the files or the overrides, or a value fails its check.
    """
    for path in sorted(folder.rglob("*.yaml")):
        yaml_text(path)
    with _hydra_errors():
        composed = _compose(folder, overrides or [])
        OmegaConf.resolve(composed)
        values = OmegaConf.to_container(composed)
    # The resolver has checked them, unless conf_digest was given another value or none.
    found = values.get("conf_digest") if isinstance(values, dict) else None
    if found != (expected := conf_digest(folder)):
        raise InputError(
            f"conf_digest: received {found!r}, expected {expected}: it is computed; have in conf/config.yaml"
            " the line `conf_digest: ${conf_digest:}`, and give it no other value"
        )
    return OmegaConf.to_yaml(composed)


def default_values(folder: Path) -> dict[str, Any]:
    """The values of `conf/` without overrides and without `conf_digest`, unchecked."""
    with _hydra_errors():
        return _without_digest(_compose(folder, []))


def _without_digest(composed: Any) -> dict[str, Any]:
    values = {key: composed._get_node(key) for key in composed if key != "conf_digest"}
    return OmegaConf.to_container(OmegaConf.create(values), resolve=True)  # type: ignore[return-value]


def _compose(folder: Path, overrides: list[str]) -> Any:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir

    try:
        with initialize_config_dir(str(folder.resolve()), version_base="1.3"):
            return hydra_compose(config_name="config", overrides=overrides)
    except RecursionError:
        raise InputError(f"{folder}: two lists of defaults name each other, expected no circle") from None
    # Of an override or a file of another shape than it expects, Hydra raises what it likes.
    except (ValueError, TypeError, AttributeError, LookupError, AssertionError) as error:
        given = f"overrides {' '.join(overrides)}" if overrides else f"files of {folder}"
        raise InputError(f"Hydra cannot read the {given}: {error}") from None


@contextmanager
def _hydra_errors() -> Iterator[None]:
    from hydra.errors import HydraException

    try:
        yield
    except (HydraException, OmegaConfBaseException, YAMLError, UnicodeError, OSError) as error:
        raise InputError(str(error)) from None


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> dict[str, tuple[Any, Any]]:
    """Each value that differs between two configurations, old and new, by its dotted key."""
    found: dict[str, tuple[Any, Any]] = {}
    for key in sorted({*old, *new} - {"conf_digest"}):
        before, after = old.get(key, "nothing"), new.get(key, "nothing")
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found |= differences(before, after, f"{prefix}{key}.")
        elif before != after:
            found[f"{prefix}{key}"] = before, after
    return found


def told(changes: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """Differences as lines, of many the first ten."""
    lines = [f"{key}: {before!r} -> {after!r}" for key, (before, after) in changes.items()]
    rest = len(lines) - MAX_TOLD
    return lines if rest <= 0 else [*lines[:MAX_TOLD], f"and {rest} more"]


def dropped(
    old: Mapping[str, Any], new: Mapping[str, Any], default: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """The differences that nobody asked for: where `new` has the value of `default`."""
    asked = differences(default, new)
    return {key: pair for key, pair in differences(old, new).items() if key not in asked}
