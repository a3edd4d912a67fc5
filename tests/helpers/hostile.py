"""Inputs that nobody means well with, for Hypothesis; and what reading them may end with."""

import copy
import io
import json
import os
import resource
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis
import numpy as np
import psutil
from hypothesis import strategies as st

from pipeline.base.errors import one_line_errors

EVERY = "EVERY_FAULT" in os.environ
# For each kind of input; in `make test` always the same ones.
SOME, MANY = 12, 150
EXAMPLES = MANY if EVERY else SOME
# Far above what any takes: what does not end, or takes all memory, is found.
MAX_SECONDS = 60
MAX_BYTES = 2 * 2**30

ODD = (
    *(0, -1, 2**31, 2**63, 10**30, 1e-320, 1e308, 0.5, True),
    *(
        "",
        " ",
        "nan",
        "1e999",
        "../x",
        "a\nb",
        "\0",
        "\ud800",
        "눈",
        "${seed}",
        "=1+1",
        "[b]x",
        "???",
        "0" * 300,
    ),
    *([], [[]], {}, [None], {"": 0}, [0] * 200),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 300), st.integers(), st.floats(), st.text(max_size=8)
)
VALUES = st.one_of(
    st.sampled_from(ODD),
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=5,
    ),
)


@st.composite
def damaged(draw: Any, *contents: bytes) -> bytes:
    """One of some files with a few bytes changed, cut off, taken out, put in or come twice."""
    content = bytearray(draw(st.sampled_from(contents)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        part = slice(start, start + draw(st.integers(0, 40)))
        kind = draw(st.sampled_from(("flip", "put", "cut", "end", "twice", "same")))
        if kind == "flip" and start < len(content):
            content[start] ^= 1 << draw(st.integers(0, 7))
        elif kind == "put":
            content[start:start] = draw(st.binary(max_size=8))
        elif kind == "cut":
            del content[part]
        elif kind == "end":
            del content[start:]
        elif kind == "twice":
            content[start:start] = content[part]
        elif start < len(content):
            content[part] = draw(st.sampled_from((b"\0", b"\xff", b"9", b"["))) * len(content[part])
    return bytes(content)


@st.composite
def edited(draw: Any, value: Any) -> Any:
    """Nested values of which one or two are another, or gone."""
    result = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(_places(result))))
        if not path:
            return copy.deepcopy(draw(VALUES))
        parent = result
        for key in path[:-1]:
            parent = parent[key]
        if draw(st.booleans()) and draw(st.booleans()):
            del parent[path[-1]]
        else:
            parent[path[-1]] = copy.deepcopy(draw(VALUES))
    return result


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    keys = value if isinstance(value, dict) else range(min(len(value), 20)) if isinstance(value, list) else ()
    for key in keys:
        yield from _places(value[key], (*path, key))


def json_text(value: Any) -> st.SearchStrategy[bytes]:
    """JSON, as text, that is edited or damaged."""
    texts = edited(value).map(lambda other: json.dumps(other).encode())
    return texts | damaged(json.dumps(value, indent=1).encode())


DTYPES = ("u1", "i1", "<i8", "f2", "<f4", ">f8", "c8", "?", "U3", "S2", "M8[s]", "V3", "u1,u1")
SHAPES = st.lists(st.integers(0, 4), max_size=4)


@st.composite
def arrays(draw: Any) -> np.ndarray[Any, Any]:
    """A small array of whatever kind."""
    dtype, shape = np.dtype(draw(st.sampled_from(DTYPES))), tuple(draw(SHAPES))
    size = int(np.prod(shape, dtype=int)) * dtype.itemsize
    content = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), np.uint8)
    return content.view(dtype).reshape(shape) if size else np.zeros(shape, dtype)


@st.composite
def archives(draw: Any, given: dict[str, Any]) -> bytes:
    """An `.npz` of which one array or two are another or gone, or that is damaged."""
    found = dict(given)
    for name in draw(st.lists(st.sampled_from(list(given)), max_size=2)):
        if draw(st.booleans()) and draw(st.booleans()):
            found.pop(name, None)
        else:
            found[name] = draw(arrays())
    stream = io.BytesIO()
    draw(st.sampled_from((np.savez, np.savez_compressed)))(stream, **found)
    return draw(damaged(stream.getvalue())) if draw(st.booleans()) else stream.getvalue()


def survives(read: Callable[[], object]) -> None:
    """Insist that reading succeeds, or ends in one line, within bounds of time and memory."""
    try:
        with _bounded(), one_line_errors():
            read()
    except SystemExit as error:
        message = str(error.code)
        assert message.startswith("error: "), message
        assert "\n" not in message
        assert "out of memory" not in message, message


def fuzz(inputs: st.SearchStrategy[Any], read: Callable[[Any], object], *found: Any) -> None:
    """Try `EXAMPLES` inputs; in `make fuzz` others each time, whose seed a failure prints.

    Args:
        inputs: to try.
        read: what is to survive them.
        found: inputs that it did not survive once.
    """
    for value in found:
        survives(lambda value=value: read(value))
    number, tried = secrets.randbits(32), 0

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=not EVERY,
        database=None,
        print_blob=True,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink)
        if EVERY
        else (hypothesis.Phase.generate,),
    )
    @hypothesis.given(inputs)
    def one(value: Any) -> None:
        nonlocal tried
        tried += 1
        hypothesis.note(f"hypothesis.seed({number})" if EVERY else "derandomized")
        survives(lambda: read(value))

    (hypothesis.seed(number)(one) if EVERY else one)()
    assert tried >= EXAMPLES


@contextmanager
def _bounded() -> Iterator[None]:
    """Limit this process to some more memory than it has, and the block to some seconds."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    size = psutil.Process().memory_info().vms
    earlier = signal.signal(signal.SIGALRM, _too_long)
    resource.setrlimit(resource.RLIMIT_AS, (size + MAX_BYTES, before[1]))
    signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.signal(signal.SIGALRM, earlier)


def _too_long(*_: object) -> None:
    raise AssertionError(f"not done after {MAX_SECONDS} s")
