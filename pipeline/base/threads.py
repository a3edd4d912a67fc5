"""Threads beside the one that works."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(call: Callable[[], object], seconds: float) -> Iterator[None]:
    """Call a function in a thread of its own while the block runs, with `seconds` between two calls.

    The last call comes after the block: it sees all that the block did.
    """
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            call()
            over.wait(seconds)
        call()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
