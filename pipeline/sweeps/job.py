"""One job of a sweep, the same here and on a node of a cluster: a clone, `dvc exp run`, a push.

A node has the packages, but nothing of this project until it has cloned it: what is sent there travels by
value and needs the standard library alone. As a script this module is dvc that ends with its caller:

    python -m pipeline.sweeps.job exp run ...
"""

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

# Up to the scores; `dvc repro` draws the rest.
STAGES = ("compose", "fetch", "prepare", "build", "train", "evaluate")
LOG_END_LINES = 15
# What dvc prints while it waits, and around an error, that says nothing about it.
NOISE = re.compile(r"^\s*$|^Having any troubles|^\s*https?://|^\d{4}-\d\d-\d\d .*cuda|^[WIE]0000 ")


@dataclass(frozen=True)
class Order:
    """What the jobs of a sweep have in common."""

    sweep: str
    url: str  # of the repository that is cloned and that experiments are pushed to
    commit: str
    folder: str  # for clones and logs; on a cluster empty: each node has its own
    settings: str  # `.dvc/config.local` of a clone; on a cluster empty
    person: dict[str, str]  # `user.name` and `user.email` of who commits
    known: dict[str, float]  # validation accuracy by name of the experiments that are there
    num_jobs: int  # left to run
    started: float  # seconds since 1970
    process: int  # id of the one that runs the sweep


def experiment_name(sweep: str, params: str, data: str) -> str:
    """Name of the experiment with these values, and with what is now in a folder that DVC does not watch."""
    digest = hashlib.sha256(params.encode())
    for path in sorted(Path(data).rglob("*")) if data else ():
        state = path.stat()
        digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return f"{sweep}-{digest.hexdigest()[:8]}"


def reference(commit: str, experiment: str) -> str:
    """The Git reference that DVC gives an experiment that starts from a commit."""
    return f"refs/exps/{commit[:2]}/{commit[2:]}/{experiment}"


def run(order: Order, overrides: list[str], params: str, data: str) -> float:
    """Run one job where Hydra's launcher chose to; print its start and its end.

    Args:
        order: see there.
        overrides: of Hydra, the message of the experiment.
        params: text of `params.yaml`.
        data: folder that DVC does not watch, or empty; with one, every stage is run anew.

    Returns:
        The share of validation images that are classified wrongly, which Hydra's searches minimize; of a job
        that failed 1: an exception would end the sweep, as nan does a search.
    """
    name = experiment_name(order.sweep, params, data)
    if name in order.known:
        return 1 - order.known[name]
    if os.getppid() == order.process:
        # A worker of joblib, whose loky does not see to it.
        from pipeline.base.processes import end_with_parent

        end_with_parent()
    node = Path(os.environ.get("FILTERSCOPE_WORK") or Path.home() / ".cache" / "filterscope")
    work = Path(order.folder or node / hashlib.sha256(order.url.encode()).hexdigest()[:8])
    work.mkdir(parents=True, exist_ok=True)
    folder, log = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=work)), work / f"{name}.log"
    started = time.monotonic()
    say(f"{name} starts on {platform.node()}: {' '.join(overrides)}")
    log.write_bytes(b"")
    try:
        _clone(order, folder, log)
        (folder / "params.yaml").write_bytes(params.encode())
        _experiment(order, name, shlex.join(overrides) or name, ["--force"] if data else [], folder, log)
        accuracy = float(json.loads((folder / "reports/metrics.json").read_bytes())["validation"]["accuracy"])
        say(f"{name} done: accuracy {accuracy:.4f}, {time.monotonic() - started:.0f} s; {_left(order)}")
        return 1 - accuracy
    except (subprocess.CalledProcessError, OSError) as error:
        lines = log.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").splitlines()
        end = [f"\n  {line.rstrip()}" for line in lines if not NOISE.search(line)][-LOG_END_LINES:]
        say(f"{name} failed on {platform.node()}: {error}{''.join(end)}")
        return 1.0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clone(order: Order, folder: Path, log: Path) -> None:
    """Clone the commit: nobody's files change while `dvc exp run` resets those of its folder."""
    options = [f"--config={name}={value}" for name, value in order.person.items()]
    options += ["--shared"] if order.folder else []
    _call(folder, log, "git", "clone", "--quiet", "--no-checkout", *options, order.url, ".")
    _call(folder, log, "git", "checkout", "--quiet", "--detach", order.commit)
    settings = order.settings or f"[cache]\n    dir = {folder.parent / 'cache'}\n"
    (folder / ".dvc" / "config.local").write_bytes(settings.encode())
    # The stages that are left out show another network; and all of dvc.lock is parsed at each stage.
    for figures in (folder / "reports" / "figures").glob("*"):
        if figures.name not in STAGES:
            shutil.rmtree(figures)
    if (lock := folder / "dvc.lock").exists():
        head, *entries = re.split(r"(?m)^(?=  \w)", lock.read_text(encoding="utf-8"))
        kept = [entry for entry in entries if entry.partition(":")[0].strip() in STAGES]
        lock.write_bytes("".join([head, *kept]).encode())


def _experiment(order: Order, name: str, message: str, flags: list[str], folder: Path, log: Path) -> None:
    """Run the experiment and push it; on a cluster first what it made, so that no model is missing."""
    dvc = [sys.executable, "-m", "pipeline.sweeps.job"]
    flags = [*flags, "--name", name, "--message", message, *([] if order.folder else ["--pull"])]
    # `params.yaml` is composed; dvc would compose `conf/` over it.
    _call(folder, log, *dvc, "exp", "run", "--no-hydra", *flags, STAGES[-1])
    if not order.folder:
        _call(folder, log, *dvc, "push", "--run-cache")
    own = reference(order.commit, name)
    _call(folder, log, "git", "push", "--quiet", "origin", f"+{own}:{own}")


def _call(folder: Path, log: Path, *command: str) -> None:
    """Run a command in a clone; raises `CalledProcessError` when it fails."""
    binaries = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    own = {"PATH": binaries, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "GIT_TERMINAL_PROMPT": "0"}
    # Tells the stages that nobody edits this clone.
    own["FILTERSCOPE_JOB"] = "1"
    outer = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    # DVC's databases are pickles: nobody else may write to them, nor enter the clone.
    variables = {**outer, **own, "DVC_SITE_CACHE_DIR": str(folder / ".site")}
    with (
        log.open("ab") as out,
        # Whatever ends this process closes stdin, at which dvc ends, see below.
        subprocess.Popen(
            command, cwd=folder, env=variables, stdin=subprocess.PIPE, stdout=out, stderr=out
        ) as process,
    ):
        process.wait()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, " ".join(command[:5]))


def _left(order: Order) -> str:
    """How many jobs of the sweep are done, and how long the others take at this pace."""
    command = ["git", "ls-remote", order.url, reference(order.commit, f"{order.sweep}-????????")]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    done = max(1, len({line.rsplit("/", 1)[-1] for line in listed} - order.known.keys()))
    left = max(0, order.num_jobs - done)
    minutes = (time.time() - order.started) / done * left / 60
    return f"{done} of {order.num_jobs} done, {left} left, about {minutes:.0f} min"


def say(text: str) -> None:
    """Print a line, on a terminal over that of the jobs at work."""
    print(f"\r\x1b[K{text}" if sys.stdout.isatty() else text, flush=True)


def _end_with_caller() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_caller, daemon=True).start()
    from dvc.cli import main

    sys.exit(main(sys.argv[1:]))
