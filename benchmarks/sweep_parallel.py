"""How much faster jobs are side by side, one thread each, than one after another with all threads.

    python benchmarks/sweep_parallel.py                              Fashion-MNIST, two epochs: six minutes
    python benchmarks/sweep_parallel.py 2 data=digits train=smoke    two rounds, other values

Alternates between the two, so that a machine that becomes slower or faster favours neither; each round
has a seed of its own, so that none finds the results of another.
"""

import statistics
import sys

import apart

# The largest first, so that none runs alone at the end.
FILTERS = "model.filters=[64,128],[32,64],[16,32],[8,16]"
LAUNCHERS = {
    "one after another": ("hydra/launcher=basic",),
    "side by side": ("hydra/launcher=joblib", "runtime.threads=1"),
}


def main(rounds: int, choices: list[str]) -> None:
    """Print seconds of every sweep, then the medians and their ratio."""
    seconds: dict[str, list[float]] = {words: [] for words in LAUNCHERS}
    with apart.clone() as clone:
        # The data set is fetched once, in neither's time.
        settings = [part for choice in choices for part in ("--set-param", choice)]
        clone.run("dvc", "exp", "run", "--temp", *settings, "prepare")
        for turn in range(1, rounds + 1):
            for number, (words, launcher) in enumerate(LAUNCHERS.items()):
                done = clone.sweep(f"round{turn}-{number}", *launcher, *choices, FILTERS, f"seed={turn}")
                if done.code:
                    sys.exit(done.output)
                seconds[words].append(done.seconds)
                costs = [job["seconds"] - clone.stage_seconds(job["experiment"]) for job in done.jobs]
                print(
                    f"round {turn}, {words}: {done.seconds:.0f} s; beyond the stages"
                    f" {statistics.mean(costs):.1f} s a job, at most {max(costs):.1f} s",
                    flush=True,
                )
    first, second = (statistics.median(values) for values in seconds.values())
    print(
        f"median {first:.0f} s one after another, {second:.0f} s side by side:"
        f" {first / second:.2f} times faster"
    )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1,
        sys.argv[2:] or ["data=fashion_mnist", "train.epochs=2"],
    )
