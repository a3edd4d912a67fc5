"""What a user did wrong, or the machine cannot do, as one line."""

import errno
import io
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

OUT_OF_MEMORY = (
    "out of memory: lower train.batch_size, model.filters or data.image_size, or end other programs"
)
# What a file is called while it is written; see `files.replaced`.
UNFINISHED = ".unfinished-"


class InputError(ValueError):
    """Something the user gave is wrong; its message is one line and says how to fix it."""


class TerminatedError(KeyboardInterrupt):
    """SIGTERM came: ends all that Ctrl-C ends, in the same way."""


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn an `InputError`, or what the machine refuses, into one line on stderr and exit code 1.

    Ctrl-C gives exit code 130, SIGTERM 143. Other errors are ours and keep their traceback.
    """
    earlier = signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        # What a terminal of another encoding has no letter for is shown as its number.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    except TerminatedError:
        sys.exit(128 + signal.SIGTERM)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        if (line := _line(error)) is None:
            raise
        sys.exit(f"error: {' '.join(line.split())}")
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _line(error: Exception) -> str | None:
    """What a user reads of an error; None of a bug."""
    if isinstance(error, InputError):
        return str(error)
    # TensorFlow has an error of its own.
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return OUT_OF_MEMORY
    return message(error) if isinstance(error, OSError) and error.errno is not None else None


def _terminate(*_: object) -> None:
    raise TerminatedError


def message(error: OSError, path: object = None) -> str:
    """What the system refused, its path (`path` where the error knows none), and what to do."""
    reason = error.strerror or str(error)
    known = error.filename if error.filename is not None else path
    named = f"{known}: {reason}".replace(UNFINISHED, "") if known is not None else reason
    return f"{named}{ADVICE.get(error.errno or 0, '')}"


ADVICE = {
    errno.ENOSPC: "; free some space and start again",
    errno.EDQUOT: "; free some space and start again",
    errno.EROFS: "; it cannot be written to",
    errno.EACCES: "; change its permissions, or those of its folder",
    errno.EPERM: "; change its permissions, or those of its folder",
    errno.EIO: "; the disk may be failing",
    errno.EMFILE: "; raise the limit of open files (`ulimit -n`)",
}
