"""Checking composed values against the schema: every wrong value gets the same one-line error."""

import difflib
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from typing import Any, TypeVar

from pipeline.base.errors import InputError

MISSING = "???"
Checked = TypeVar("Checked")


def check(schema: type[Checked], values: Any, prefix: str = "") -> Checked:
    """Check composed values against a schema.

    Args:
        schema: a dataclass of `config.fields`.
        values: nested mappings as in `params.yaml`.
        prefix: what stands before their keys, such as "train.".

    Returns:
        The same values as dataclasses.

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
