"""Reading `params.yaml`, the composition of `conf/` that stages read, and checking it against the schema."""

import difflib
import io
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from omegaconf import OmegaConf
from yaml import YAMLError

from pipeline.base.errors import InputError
from pipeline.base.files import read_bytes

MAX_YAML_BYTES = 2**20
MAX_YAML_DEPTH = 20
# In C, where PyYAML was built with it: ten times as quick.
PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MISSING = "???"
Checked = TypeVar("Checked")


def yaml_text(path: Path) -> str:
    """Read a YAML file that is no larger, deeper or fuller of repetitions than a configuration is.

    Aliases are refused: a few lines of them can stand for more values than memory holds.

    Raises:
        InputError: it is that, is not UTF-8, no YAML, or no regular file.
        FileNotFoundError: it is not there.
    """
    try:
        text = read_bytes(path, MAX_YAML_BYTES).decode()
        depth = 0
        for event in yaml.parse(text, Loader=PARSER):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent):
                raise InputError(f"{path}: received the alias *{event.anchor}, expected its values")
            if depth > MAX_YAML_DEPTH:
                raise InputError(f"{path}: received more than {MAX_YAML_DEPTH} levels, expected fewer")
    except (YAMLError, UnicodeError) as error:
        raise InputError(f"{path} cannot be read as YAML: {error}") from None
    return text


def read_values(path: Path) -> dict[str, Any]:
    """Read `params.yaml` through OmegaConf (which, unlike PyYAML, takes 1e-3 for a number)."""
    try:
        text = io.StringIO(yaml_text(path))
        values = OmegaConf.to_container(OmegaConf.load(text), resolve=True)
    except FileNotFoundError:
        raise InputError(f"{path} is missing: run `dvc repro compose` to write it") from None
    except InputError:
        raise
    # OmegaConf hands on what Python's own constructors say of a value: OverflowError, TypeError, ...
    except Exception as error:
        raise InputError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path} holds a {type(values).__name__}, expected a mapping of sections")
    return {str(key): value for key, value in values.items()}


def load(schema: type[Checked], path: Path = Path("params.yaml")) -> Checked:
    """Load and check those sections of the composed configuration that a dataclass names.

    So an edit of the schema of pictures, say, is none of the code that trains.
    """
    values = read_values(path)
    return check(schema, {f.name: values[f.name] for f in fields(schema) if f.name in values})  # type: ignore[arg-type]


def check(schema: type[Checked], values: Any, prefix: str = "") -> Checked:
    """Check composed values against a schema, and return them as its dataclasses.

    Args:
        schema: a dataclass of `config.fields`.
        values: nested mappings as in `params.yaml`.
        prefix: what stands before their keys, such as "train.".

    Raises:
        InputError: an unknown key, or a missing, mistyped or out-of-range value, or lists of
            unequal length; one line naming the key, what was received and what is expected.
    """
    known = {f.name: f for f in fields(schema)}  # type: ignore[arg-type]
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
        return check(f.type, {} if value == MISSING else value, name + ".")
    expected = f.metadata["expected"]
    if isinstance(value, str) and value == MISSING:
        raise InputError(f"{name}: received nothing, expected {expected}")
    if not f.metadata["holds"](value):
        raise InputError(f"{name}: received {value!r}, expected {expected}")
    # Keras takes no whole number for a learning rate.
    return float(value) if f.type is float else value


def _unknown_key(name: str, value: Any, prefix: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name.rsplit(".", 1)[-1], known, n=1)
    hint = f"did you mean {prefix}{near[0]}?" if near else f"expected one of {', '.join(known)}"
    return f"{name}: unknown key (received {value!r}); {hint}"
