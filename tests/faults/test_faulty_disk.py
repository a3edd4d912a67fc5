"""Whichever call that changes a file fails, or is the last of a killed process: nothing is lost.

After a failure the earlier results are there, or the new ones, and the error is one line. After either,
the next run ends with the bytes of an unbroken one and leaves nothing of the broken one behind.
`make fuzz` takes every call; here some.
"""

import contextlib
import os
import shutil
from functools import partial

import pytest
from conftest import composed, digest
from faulty_disk import AT_LEAST, KilledError, faulty_disk

from pipeline.base.errors import one_line_errors
from pipeline.base.files import UNFINISHED
from pipeline.pictures import drawing
from pipeline.stages.evaluate import evaluate
from pipeline.stages.train import train

EVERY = "EVERY_FAULT" in os.environ
NUM_SOME = 4
SMALL = ("data=digits", "train=smoke", "model.filters=[2]", "model.dense=[]", "train.epochs=1")
CFG = composed(*SMALL, "train.batch_size=500", "visualize.num_predictions=1", "visualize.num_mistakes=1")


def run_train(prepared, folder):
    train(CFG, prepared, folder / "models", folder / "reports", folder / "scratch")


def run_evaluate(prepared, trained, folder):
    best, history = trained / "models/best.keras", trained / "reports/history.tsv"
    evaluate(CFG, best, prepared, history, folder / "reports", folder / "reports/figures/evaluate")


def results(folder):
    found = digest(folder, "models/*", "reports/*.*", "reports/figures/evaluate/*")
    return {name: value for name, value in found.items() if "timing" not in name}


@pytest.fixture(scope="module")
def unbroken(trained, tmp_path_factory):
    """Each stage as a function of its folder, with the folder of an unbroken run."""
    base, prepared = tmp_path_factory.mktemp("unbroken"), trained.folder / "data/prepared"
    stages = {
        "train": partial(run_train, prepared),
        "evaluate": partial(run_evaluate, prepared, base / "train"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "DOTS_PER_INCH", 20)
        for name, run in stages.items():
            run(base / name)
        yield {name: (run, base / name) for name, run in stages.items()}


@pytest.fixture
def earlier(tmp_path):
    """Makes folders with results of an earlier run, of which every byte differs from those of the next."""

    def make(folder, number):
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        for path in copy.rglob("*"):
            if path.is_file():
                path.write_bytes(b"earlier")
        return copy

    return make


def count_calls(run, folder):
    """How many calls a stage makes on a folder that is there already; copying that is no call of it."""
    with faulty_disk() as disk:
        run(folder)
    return disk.count


def chosen(total):
    """Numbers of calls: all, or some from the first to the last."""
    some = sorted({1 + n * (total - 1) // NUM_SOME for n in range(NUM_SOME + 1)})
    return range(1, total + 1) if EVERY else some


def leftovers(folder):
    return [path for path in folder.rglob("*") if UNFINISHED in path.name]


def run_failing(run, folder):
    """Run a stage as `dvc` does; what it tells has to be one line that names a file or a reason."""
    told = ""
    try:
        with one_line_errors():
            run(folder)
    except SystemExit as error:
        told = str(error.code)
    assert not told or (told.startswith("error: ") and "\n" not in told)


@pytest.mark.parametrize("stage", ["train", "evaluate"])
@pytest.mark.parametrize("dies", [False, True], ids=["fails", "is the last"])
def test_any_call_may_fail_or_be_the_last_of_a_killed_process(unbroken, earlier, dies, stage, capsys):
    run, base = unbroken[stage]
    expected = results(base)
    total = count_calls(run, earlier(base, "counted"))
    num_injected = 0
    for at in chosen(total):
        folder = earlier(base, at)
        before = results(folder)
        with faulty_disk(at, dies=dies) as disk, contextlib.suppress(KilledError):
            run_failing(run, folder)
        num_injected += disk.last != ""
        after = results(folder)
        assert dies or after.keys() == before.keys()
        assert all(after[name] in (before[name], expected[name]) for name in after), (at, disk.last)
        if stage == "evaluate" and not dies:
            assert after in (before, expected), (at, disk.last)
        run(folder)
        assert results(folder) == expected, (at, disk.last)
        assert leftovers(folder) == [], (at, disk.last)
        shutil.rmtree(folder)
    words = (
        f"killed at {num_injected} of {total} calls" if dies else f"{num_injected} of {total} calls failed"
    )
    with capsys.disabled():
        print(f"\n{stage}: {words}, all survived", flush=True)
    assert num_injected == len(chosen(total))
    assert total >= AT_LEAST[stage]
