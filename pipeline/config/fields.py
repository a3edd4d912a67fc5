"""Kinds of values: each field of the schema carries one predicate and the words for it."""

import math
import unicodedata
from collections.abc import Callable
from dataclasses import field
from typing import Any


def is_int(value: Any) -> bool:
    return type(value) is int


def is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def checked(expected: str, holds: Callable[[Any], bool]) -> Any:
    return field(metadata={"expected": expected, "holds": holds})


# No count here is meant to be larger; one that is would fail late, or never end.
MAX_COUNT = 1_000_000
# Kinds of letters: control, half of a pair, ends of a line and a paragraph.
NOT_IN_A_LINE = {"Cc", "Cs", "Zl", "Zp"}
# Blocks of convolutions, dense layers, images shown.
MAX_LENGTH = 100


def between(minimum: int, maximum: int = MAX_COUNT) -> tuple[str, Callable[[Any], bool]]:
    """Words and a predicate for whole numbers."""
    words = f"a whole number of {minimum} or more, up to {maximum}"
    return words, lambda v: is_int(v) and minimum <= v <= maximum


def whole(minimum: int, maximum: int = MAX_COUNT) -> Any:
    return checked(*between(minimum, maximum))


def choice(*names: str) -> Any:
    return checked("one of " + ", ".join(names), lambda v: v in names and type(v) is str)


def optional(expected: str, holds: Callable[[Any], bool]) -> Any:
    return checked(f"{expected}, or null", lambda v: v is None or holds(v))


def is_line(value: Any) -> bool:
    """Whether a value is a text that can be shown in a line, written as UTF-8 and be a path."""
    return type(value) is str and bool(value) and not NOT_IN_A_LINE & set(map(unicodedata.category, value))


def list_of(what: str, holds: Callable[[Any], bool], minimum: int = 1) -> Any:
    return checked(
        f"a list of {minimum} or more, up to {MAX_LENGTH}, each {what}",
        lambda v: isinstance(v, list) and minimum <= len(v) <= MAX_LENGTH and all(map(holds, v)),
    )


def per_block(what: str, holds: Callable[[Any], bool]) -> Any:
    """A scalar that stands for every block, or a list with one value per block."""
    return checked(
        f"{what}, or a list of such with one for each of model.filters",
        lambda v: (len(v) > 0 and all(map(holds, v))) if isinstance(v, list) else holds(v),
    )


def at_least_1(value: Any) -> bool:
    """Whether a value is a count, of whatever."""
    return is_int(value) and 1 <= value <= MAX_COUNT


def seed_number() -> Any:
    """What NumPy and TensorFlow take as a seed."""
    return checked("a whole number from 0 to 4294967295", lambda v: is_int(v) and 0 <= v < 2**32)


# What several fields are: words and a predicate.
COUNT = "a whole number of 1 or more", at_least_1
FLAG = "true or false", lambda v: type(v) is bool
FRACTION = "a number between 0 and 1, both excluded", lambda v: is_number(v) and 0 < v < 1
POSITIVE = "a finite number above 0", lambda v: is_number(v) and v > 0
SHARE = "a number of 0 or more and below 1", lambda v: is_number(v) and 0 <= v < 1
