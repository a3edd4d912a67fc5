"""The configuration: its schema, its checks, composing `conf/` and loading `params.yaml`.

`conf/` is the source, `params.yaml` the composition that stages read. Each field below carries one
predicate and the words for it, so that every wrong value gets the same one-line error.
"""

import difflib
import hashlib
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import Field, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException
from yaml import YAMLError

DATASETS = ("fashion_mnist", "mnist", "digits", "npz", "image_folder")
ACTIVATIONS = ("relu", "sigmoid", "tanh", "elu", "gelu", "silu", "linear")
INITIALIZERS = ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "random_normal")
LANGUAGES = ("en", "ko")
MISSING = "???"
INTERRUPTED = 130


class InputError(ValueError):
    """Something the user gave is wrong; its message is one line and says how to mend it."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn an `InputError` into one line on stderr and exit code 1, Ctrl-C into exit code 130.

    Other errors are ours and keep their traceback.
    """
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except InputError as error:
        sys.exit(f"error: {' '.join(str(error).split())}")


def _is_int(value: Any) -> bool:
    return type(value) is int


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _field(expected: str, holds: Callable[[Any], bool]) -> Any:
    return field(metadata={"expected": expected, "holds": holds})


def _whole(minimum: int) -> Any:
    return _field(f"a whole number of {minimum} or more", lambda v: _is_int(v) and v >= minimum)


def _positive() -> Any:
    return _field("a finite number above 0", lambda v: _is_number(v) and v > 0)


def _fraction() -> Any:
    return _field("a number between 0 and 1, both excluded", lambda v: _is_number(v) and 0 < v < 1)


def _choice(*names: str) -> Any:
    return _field("one of " + ", ".join(names), lambda v: v in names and type(v) is str)


def _flag() -> Any:
    return _field("true or false", lambda v: type(v) is bool)


def _optional_text() -> Any:
    return _field("a text or null", lambda v: v is None or (type(v) is str and bool(v)))


def _list_of(what: str, holds: Callable[[Any], bool], minimum: int = 1) -> Any:
    return _field(
        f"a list of {minimum} or more, each {what}",
        lambda v: isinstance(v, list) and len(v) >= minimum and all(map(holds, v)),
    )


def _per_block(what: str, holds: Callable[[Any], bool]) -> Any:
    """A scalar that stands for every block, or a list with one value per block."""
    return _field(
        f"{what}, or a list of such with one for each of model.filters",
        lambda v: (len(v) > 0 and all(map(holds, v))) if isinstance(v, list) else holds(v),
    )


def _at_least_1(value: Any) -> bool:
    return _is_int(value) and value >= 1


def _is_image_choice(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"split", "index"}
        and value["split"] in ("source", "train", "validation", "test")
        and _is_int(value["index"])
        and value["index"] >= 0
    )


@dataclass(frozen=True)
class DataConfig:
    """Which images, where from, and how they are split."""

    name: str = _choice(*DATASETS)
    image_size: list[int] = _field(
        "a list [height, width] of whole numbers of 1 or more",
        lambda v: isinstance(v, list) and len(v) == 2 and all(map(_at_least_1, v)),
    )
    channels: int = _field("1 (grey) or 3 (colour)", lambda v: _is_int(v) and v in (1, 3))
    folder: str | None = _optional_text()
    mirror: str | None = _field(
        "an https:// address or null",
        lambda v: v is None or (type(v) is str and v.startswith("https://")),
    )
    update_package_lists: bool = _flag()
    resize: str = _choice("stretch", "pad")
    skip_unreadable: bool = _flag()
    test_fraction: float = _fraction()
    validation_fraction: float = _fraction()
    split_seed: int = _whole(0)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (H, W, C) of one image, in pixels and channels."""
        height, width = self.image_size
        return height, width, self.channels


@dataclass(frozen=True)
class ModelConfig:
    """The network, as parallel lists with one entry per convolution block."""

    filters: list[int] = _list_of("a whole number of 1 or more", _at_least_1)
    kernel_size: int | list[int] = _per_block("a whole number of 1 or more", _at_least_1)
    strides: int | list[int] = _per_block("a whole number of 1 or more", _at_least_1)
    padding: str | list[str] = _per_block("same or valid", lambda v: v in ("same", "valid"))
    activation: str | list[str] = _per_block("one of " + ", ".join(ACTIVATIONS), lambda v: v in ACTIVATIONS)
    local_response_normalization: bool | list[bool] = _per_block("true or false", lambda v: type(v) is bool)
    pool: str | list[str] = _per_block("max, average or none", lambda v: v in ("max", "average", "none"))
    pool_size: int | list[int] = _per_block("a whole number of 1 or more", _at_least_1)
    pool_strides: int | list[int] = _per_block("a whole number of 1 or more", _at_least_1)
    dense: list[int] = _list_of("a whole number of 1 or more", _at_least_1, minimum=0)
    dropout: float = _field("a number of 0 or more and below 1", lambda v: _is_number(v) and 0 <= v < 1)
    initializer: str = _choice(*INITIALIZERS)
    initializer_stddev: float = _positive()


@dataclass(frozen=True)
class TrainConfig:
    """How long and how fast the network learns."""

    epochs: int = _whole(1)
    batch_size: int = _whole(1)
    learning_rate: float = _positive()
    learning_rate_schedule: str = _choice("constant", "cosine")
    patience: int = _whole(0)


@dataclass(frozen=True)
class VisualizeConfig:
    """What the pictures show."""

    images: list[dict[str, Any]] = _list_of(
        "{split: source|train|validation|test, index: 0 or more}", _is_image_choice
    )
    kernel_limit: float | None = _field(
        "a finite number above 0, or null", lambda v: v is None or (_is_number(v) and v > 0)
    )
    max_kernel_rows: int = _whole(1)
    histogram_bins: int = _whole(2)
    fire_rate_images: int = _whole(1)
    num_predictions: int = _whole(1)
    num_mistakes: int = _whole(1)


@dataclass(frozen=True)
class ExplainConfig:
    """Over how many images the deeper looks are taken."""

    ablation_images: int = _whole(1)
    sanity_images: int = _whole(1)


@dataclass(frozen=True)
class PageConfig:
    """How large the page may be, and how it opens."""

    max_megabytes: float = _positive()
    num_images: int = _whole(1)
    language: str = _choice(*LANGUAGES)


@dataclass(frozen=True)
class RuntimeConfig:
    """The machine: part of the configuration, since it changes the last bits of the result."""

    threads: int = _whole(1)
    device: str = _choice("auto", "cpu", "gpu")
    precision: str = _choice("float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class Config:
    """`params.yaml`, checked."""

    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    visualize: VisualizeConfig
    explain: ExplainConfig
    page: PageConfig
    runtime: RuntimeConfig
    seed: int = _field("a whole number from 0 to 4294967295", lambda v: _is_int(v) and 0 <= v < 2**32)
    conf_digest: str = _field("the SHA-256 of conf/", lambda v: type(v) is str and len(v) == 64)


def check(values: Any) -> Config:
    """Check composed values against the schema.

    Args:
        values: nested mappings as in `params.yaml`.

    Returns:
        The same values as dataclasses.

    Raises:
        InputError: an unknown key, or a missing, mistyped or out-of-range value, or lists of
            unequal length; one line naming the key, what was received and what is expected.
    """
    cfg: Config = _check_section(Config, values, "")
    _check_lengths(cfg.model)
    return cfg


def _check_section(schema: type, values: Any, prefix: str) -> Any:
    known = {f.name: f for f in fields(schema)}
    if not isinstance(values, Mapping):
        wanted = f"a mapping with the keys {', '.join(known)}"
        raise InputError(f"{prefix.rstrip('.') or 'params'}: received {values!r}, expected {wanted}")
    for key in values:
        if key not in known:
            raise InputError(_unknown_key(f"{prefix}{key}", values[key], prefix, list(known)))
    return schema(**{key: _check_field(f, values, prefix) for key, f in known.items()})


def _check_field(f: "Field[Any]", values: Mapping[str, Any], prefix: str) -> Any:
    name, value = prefix + f.name, values.get(f.name, MISSING)
    if is_dataclass(f.type) and isinstance(f.type, type):
        return _check_section(f.type, {} if value == MISSING else value, name + ".")
    expected = f.metadata["expected"]
    if isinstance(value, str) and value == MISSING:
        raise InputError(f"{name}: received nothing, expected {expected}")
    if not f.metadata["holds"](value):
        raise InputError(f"{name}: received {value!r}, expected {expected}")
    return value


def _unknown_key(name: str, value: Any, prefix: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name.rsplit(".", 1)[-1], known, n=1)
    hint = f"did you mean {prefix}{near[0]}?" if near else f"expected one of {', '.join(known)}"
    return f"{name}: unknown key (received {value!r}); {hint}"


def _check_lengths(model: ModelConfig) -> None:
    blocks = len(model.filters)
    for f in fields(model):
        value = getattr(model, f.name)
        if isinstance(value, list) and f.name != "dense" and len(value) != blocks:
            raise InputError(
                f"model.{f.name}: received {value!r}, a list of {len(value)}, expected one value or"
                f" a list of {blocks}, one for each of model.filters {model.filters!r}"
            )


def conf_digest(folder: Path) -> str:
    """SHA-256 (hex) over the names and bytes of every YAML file below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.yaml")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def register(folder: Path, check_more: Callable[[Config], None]) -> None:
    """Teach Hydra, in this process, the `conf_digest` resolver and open sections.

    Resolving `conf_digest`, which DVC does before it writes `params.yaml`, first checks all the
    values. The sections are open (no struct flag), so that a misspelt key reaches that check and
    its one-line error instead of Hydra's three-line advice to write `+key`.

    Args:
        folder: `conf/`, over which the digest is taken.
        check_more: raises `InputError` when values that are right one by one do not fit together.
    """
    from hydra.core.config_store import ConfigStore

    def digest(*, _root_: Any) -> str:
        values = {key: _root_._get_node(key) for key in _root_ if key != "conf_digest"}
        digest = conf_digest(folder)
        plain = OmegaConf.to_container(OmegaConf.create(values), resolve=True)
        try:
            check_more(check({**plain, "conf_digest": digest}))  # type: ignore[dict-item]
        except InputError as error:
            raise _as_omegaconf_error(str(error)) from None
        return digest

    sections = [f.name for f in fields(Config) if is_dataclass(f.type)]
    open_sections = {name: OmegaConf.create({}, flags={"struct": False}) for name in sections}
    ConfigStore.instance().store(name="open_sections", node=OmegaConf.create(open_sections))
    OmegaConf.register_new_resolver("conf_digest", digest, replace=True)


def _as_omegaconf_error(message: str) -> InterpolationResolutionError:
    error = InterpolationResolutionError(message)
    # OmegaConf adds lines about its own types to an error that is not marked as complete.
    error._initialized = True
    return error


def compose(folder: Path, overrides: list[str] | None = None) -> str:
    """Compose `conf/` as `dvc exp run` does; `register` must have run in this process.

    Returns:
        The YAML text of `params.yaml`.

    Raises:
        InputError: Hydra refuses the files or the overrides, or a value fails its check.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.errors import HydraException

    try:
        with initialize_config_dir(str(folder.resolve()), version_base="1.3"):
            composed = hydra_compose(config_name="config", overrides=overrides or [])
            OmegaConf.resolve(composed)
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise InputError(str(error)) from None
    return OmegaConf.to_yaml(composed)


def read_values(path: Path) -> dict[str, Any]:
    """Read `params.yaml` through OmegaConf (which, unlike PyYAML, takes 1e-3 for a number)."""
    try:
        values = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except FileNotFoundError:
        raise InputError(f"{path} is missing: run `dvc repro compose` to write it") from None
    except (YAMLError, OmegaConfBaseException, OSError) as error:
        raise InputError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} holds a {type(values).__name__}, expected a mapping of sections")
    return {str(key): value for key, value in values.items()}


def load_config(path: Path = Path("params.yaml")) -> Config:
    """Load and check the composed configuration of this run."""
    return check(read_values(path))


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Each value that differs between two configurations, as `key: old -> new`."""
    lines = []
    for key in sorted({*old, *new} - {"conf_digest"}):
        before, after = old.get(key, "nothing"), new.get(key, "nothing")
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            lines += differences(before, after, f"{prefix}{key}.")
        elif before != after:
            lines.append(f"{prefix}{key}: {before!r} -> {after!r}")
    return lines
