"""Threads beside the one that works."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def repeated(call: Callable[[], object], seconds: float) -> Iterator[None]:
    """Call a function in a thread of its own while the block runs, with `seconds` between two calls.

    The last call comes after the block: it sees all that the block did. An error of a call ends the
    calls, and is raised at the block's end.
    """
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            call()
            over.wait(seconds)
        call()

    with ThreadPoolExecutor(1) as pool:
        calls = pool.submit(run)
        try:
            yield
        finally:
            over.set()
        calls.result()
