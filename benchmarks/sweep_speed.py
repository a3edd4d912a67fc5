"""A sweep over four filter counts with `fast`, two jobs at a time, against four plain scripts in a row.

    python benchmarks/sweep_speed.py          a quarter of an hour on two cores

The sweep's seconds hold everything: checks, clones, DVC, the stages that the result needs, the result. Both
find the data fetched and split. Then three jobs on the digits run one after another: what a job takes beyond
its stages.
"""

import statistics
import sys
import tempfile
from pathlib import Path

import apart
import measured

# The largest first, so that none runs alone at the end.
FILTERS = ((64, 128), (32, 64), (16, 32), (8, 16))
SWEPT = "model.filters=" + ",".join(f"[{first},{second}]" for first, second in FILTERS)
SCRIPT = Path(__file__).parent / "plain.py"


def plain_seconds() -> list[float]:
    """Seconds of the plain script's ten epochs with each of the filter counts."""
    with tempfile.TemporaryDirectory() as temporary:
        data = measured.prepared(Path(temporary), "data=fashion_mnist")
        seconds = []
        for filters in FILTERS:
            counts = map(str, filters)
            done = measured.watch(Path(temporary), str(SCRIPT), str(data), "1", "--filters", *counts)
            print(f"plain script, filters {filters}: {done.seconds:.0f} s", flush=True)
            seconds.append(round(done.seconds, 1))
    return seconds


def sweep(clone: apart.Clone, name: str, *overrides: str) -> tuple[float, list[float]]:
    """Seconds of a sweep, and what each job took beyond its stages."""
    done = clone.sweep(name, *overrides)
    if done.code:
        sys.exit(done.output)
    return done.seconds, [job["seconds"] - clone.stage_seconds(job["experiment"]) for job in done.jobs]


def main() -> None:
    """Print what each takes, and write all of it."""
    with apart.clone() as clone:
        clone.run("dvc", "repro", "prepare")
        swept, beyond = sweep(clone, "fast", "hydra/launcher=joblib", "train=fast", SWEPT, "seed=1")
        print(f"sweep, two at a time: {swept:.0f} s, beyond the stages {beyond} s a job", flush=True)
        clone.run("dvc", "exp", "run", "--temp", "-S", "data=digits", "prepare")
        _, alone = sweep(clone, "alone", "data=digits", "train=smoke", "seed=1,2,3")
        print(f"a job alone, beyond its stages: {alone} s", flush=True)
    plain = plain_seconds()
    found = {
        "sweep_seconds": round(swept, 1),
        "plain_seconds": plain,
        "ratio": round(swept / sum(plain), 3),
        "beyond_stages_seconds": {
            "alone": round(statistics.median(alone), 1),
            "two_at_a_time": round(statistics.median(beyond), 1),
        },
    }
    print(found)
    measured.write("sweep_speed", __doc__ or "", found)


if __name__ == "__main__":
    main()
