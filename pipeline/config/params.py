"""Reading `params.yaml`, the composition of `conf/` that stages read."""

import io
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from yaml import YAMLError

from pipeline.base.errors import InputError
from pipeline.base.files import read_bytes
from pipeline.config.checking import Checked, check

MAX_YAML_BYTES = 2**20
MAX_YAML_DEPTH = 20
# In C, where PyYAML was built with it: ten times as quick.
PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
