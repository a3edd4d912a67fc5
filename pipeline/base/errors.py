"""What a user did wrong, told in one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
