"""Refuses to the code of `pipeline/` and `networks/` what Windows does not have; libraries have it as ever.

Python imports this at its start where the folder is on PYTHONPATH, also in what dvc starts.
"""

import builtins
import os
import signal
import sys
from pathlib import Path

MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
FUNCTIONS = {
    os: "chown fchmod fork forkpty getpgid getpgrp geteuid getuid getgid kill killpg mkfifo mknod nice preadv"
    " pwritev sched_getaffinity setpgid setsid sysconf uname wait4",
    signal: "alarm pthread_kill setitimer sigwait",
}
OURS = {"pipeline", "networks"}


def is_ours(frame):
    path = Path(frame.f_code.co_filename)
    return bool(OURS & set(path.parts)) and "site-packages" not in path.parts


def guarded(real, name):
    def call(*args, **kwargs):
        if is_ours(sys._getframe(1)):
            raise OSError(f"{name} is not there on Windows")
        return real(*args, **kwargs)

    return call


def guarded_import(name, *args, **kwargs):
    if name in MODULES and is_ours(sys._getframe(1)):
        raise ModuleNotFoundError(f"{name} is not there on Windows")
    return real_import(name, *args, **kwargs)


real_import = builtins.__import__
builtins.__import__ = guarded_import
for module, names in FUNCTIONS.items():
    for name in names.split():
        if hasattr(module, name):
            setattr(module, name, guarded(getattr(module, name), f"{module.__name__}.{name}"))
