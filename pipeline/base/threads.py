"""Threads beside the one that works."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(call: Callable[[], object], seconds: float) -> Iterator[None]:
    """Call a function in a thread of its own, again and again while the block runs, and once after it.

    Args:
        call: what it does last, it does with all that the block did.
        seconds: between two calls.
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
