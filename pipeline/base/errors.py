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
    except InputError as error:
        sys.exit(_line(str(error)))
    except Exception as error:
        if _out_of_memory(error):
            sys.exit(_line(OUT_OF_MEMORY))
        if not isinstance(error, OSError) or error.errno is None:
            raise
        sys.exit(_line(message(error)))
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _out_of_memory(error: Exception) -> bool:
    """Whether Python, NumPy or TensorFlow, which has an error of its own, had no room for an array."""
    tensorflow = sys.modules.get("tensorflow")
    return isinstance(error, MemoryError) or (
        tensorflow is not None and isinstance(error, tensorflow.errors.ResourceExhaustedError)
    )


def _terminate(*_: object) -> None:
    raise TerminatedError


def _line(message: str) -> str:
    return f"error: {' '.join(message.split())}"


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
