"""What every stage takes, an idle `dvc repro`, and the imports.

    python benchmarks/stages.py [ROUNDS]      a round: about two minutes on two cores

Runs the default pipeline with `train=fast` in a clone with an empty cache: the first round makes everything,
the others every stage but the data's anew, by another seed.
"""

import statistics
import sys
import time

import apart
import measured

IMPORTS = {
    "nothing": "pass",
    "tensorflow": "import tensorflow",
    "what train imports": "from pipeline.network.start import import_keras; import_keras()",
}


def seconds(clone: apart.Clone, *command: str) -> float:
    """Run a command in a clone."""
    started = time.monotonic()
    clone.run(*command)
    return time.monotonic() - started


def main(rounds: int) -> None:
    """Print medians, and write them."""
    with apart.clone() as clone:
        clone.run("dvc", "repro", "fetch")
        whole = []
        for seed in range(1, rounds + 1):
            whole.append(seconds(clone, "dvc", "exp", "run", "-S", "train=fast", "-S", f"seed={seed}"))
            print(f"round {seed}: {whole[-1]:.0f} s", flush=True)
        idle = [seconds(clone, "dvc", "repro") for _ in range(3)]
        stages = {name: statistics.median(times) for name, times in clone.stages().items()}
        imports = {
            name: statistics.median(seconds(clone, sys.executable, "-c", code) for _ in range(3))
            for name, code in IMPORTS.items()
        }
    found = {
        "stages": {name: round(value, 2) for name, value in stages.items()},
        "all_but_train": round(sum(value for name, value in stages.items() if name != "train"), 1),
        "whole_repro": round(statistics.median(whole), 1),
        "idle_repro": round(statistics.median(idle), 2),
        "imports": {name: round(value, 2) for name, value in imports.items()},
    }
    print(found)
    measured.write("stages", __doc__ or "", found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
