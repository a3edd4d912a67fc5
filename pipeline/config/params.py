"""Reading `params.yaml`, the composition of `conf/` that stages read."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from pipeline.base.errors import InputError
from pipeline.config.checking import Checked, check


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


def load(schema: type[Checked], path: Path = Path("params.yaml")) -> Checked:
    """Load and check those sections of the composed configuration that a dataclass names.

    So an edit of the schema of pictures, say, is none of the code that trains.
    """
    values = read_values(path)
    return check(schema, {f.name: values[f.name] for f in fields(schema) if f.name in values})  # type: ignore[arg-type]
