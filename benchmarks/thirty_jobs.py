"""Thirty jobs, one of which fails: 29 results, one named failure, exit code 1, nothing left behind.

python benchmarks/thirty_jobs.py        # 30 jobs on digits: about ten minutes on two cores
python benchmarks/thirty_jobs.py 4      # fewer
"""

import re
import subprocess
import sys
from pathlib import Path

import apart
import psutil

# Weights that overflow in the first epoch, which no check foresees.
FAILING = "1e38"


def working_below(folder: Path) -> list[str]:
    """Command lines of the processes that work below a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, FileNotFoundError):
            continue
    return found


def main(number: int) -> None:
    """Run the sweep and print what is claimed; exit code 1 if a claim does not hold."""
    widths = ",".join([*(f"{0.1 + 0.001 * index:.3f}" for index in range(number - 1)), FAILING])
    with apart.clone() as clone:
        clone.run("dvc", "exp", "run", "--temp", "-S", "data=digits", "prepare")
        done = clone.sweep(
            "thirty",
            *("hydra/launcher=joblib", "data=digits", "train=smoke", "train.epochs=1"),
            "model.initializer=random_normal",
            f"model.initializer_stddev={widths}",
        )
        listed = clone.run("dvc", "exp", "list", "--name-only").split()
        failed = re.findall(r"(?m)^(\S+) failed on ", done.output)
        clones = [path for path in (clone.folder / ".sweeps" / "thirty").iterdir() if path.is_dir()]
        claims = {
            f"{number - 1} results": len([name for name in listed if name.startswith("thirty-")])
            == number - 1,
            "1 named failure": len(failed) == 1 and f"jobs failed: {failed[0]};" in done.output,
            "exit code 1": done.code == 1,
            "no process": not working_below(clone.folder),
            "no clone, no stash": not clones and not clone.run("git", "stash", "list"),
            "no lock": subprocess.run(["dvc", "status", "-q"], cwd=clone.folder).returncode in (0, 1),
        }
        costs = [job["seconds"] - clone.stage_seconds(job["experiment"]) for job in done.jobs]
    print(f"{number} jobs: {done.seconds:.0f} s; beyond the stages {sum(costs) / number:.1f} s a job")
    for claim, holds in claims.items():
        print(f"{'yes' if holds else 'NO '}  {claim}")
    if not all(claims.values()):
        sys.exit(done.output)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
