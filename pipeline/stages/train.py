"""Stage `train`: a training split -> the trained network, and the same untrained.

    python -m pipeline.stages.train data/prepared models reports .train

The last folder is no output: it keeps the state of an interrupted run, which the next run continues, and
`progress.jsonl`, which shows how far the training is.
"""

import functools
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base import arrays, files
from pipeline.base.errors import InputError
from pipeline.base.git import commit_of
from pipeline.base.imports import ROOT, closure
from pipeline.config.data import DataConfig
from pipeline.config.model import ModelConfig
from pipeline.config.params import load
from pipeline.config.runtime import RuntimeConfig
from pipeline.config.section import Section, Seed
from pipeline.config.train import TrainConfig
from pipeline.data.prepared import Prepared, read_prepared
from pipeline.network.batches import batch_size
from pipeline.network.checkpoint import save_network
from pipeline.network.layers import build_model, summary
from pipeline.network.machine import dtype_policy, made_with
from pipeline.network.start import configure_runtime
from pipeline.network.trained_on import KEY, TrainedOn
from pipeline.stages import stage
from pipeline.training.loop import Epoch, fit
from pipeline.training.snapshots import snapshot, write_snapshots
from pipeline.training.sources import Source, source
from pipeline.training.state import TrainingState, pack, unpack, write_state
from pipeline.training.steps import balanced_weights
from pipeline.training.trainer import Trainer

if TYPE_CHECKING:
    import keras

STATE = "state.npz"
# Images, which stay on disk, and labels by split.
Splits = dict[str, tuple[arrays.RowFile, arrays.Array]]


class Settings(Section):
    """What this stage reads of `params.yaml`."""

    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    runtime: RuntimeConfig
    seed: Seed


def train(cfg: Settings, prepared: Path, saved: Path, reports: Path, scratch: Path) -> None:
    """Fit the network, keep the weights of the best validation loss.

    Args:
        cfg: uses `model`, `train`, `runtime`, `seed` and `data.may_be_mirrored`.
        prepared: folder of stage `prepare`.
        saved: folder to write `best.keras` and `untrained.keras` to, float32, uncompiled, and `epochs.npz`:
            the convolutions' weights after each epoch.
        reports: folder to write `history.tsv`, `model.txt`, `made_with.json` and `timing.json` to.
        scratch: folder of the state after the last epoch, from which the same run continues, and of
            `progress.jsonl`, a line when the training starts and after each epoch.

    Raises:
        InputError: the network does not fit the images, or a loss or a weight is not finite.
    """
    started = time.monotonic()
    dataset = read_prepared(prepared)
    splits = {name: (dataset.images(name), dataset.labels(name)) for name in ("train", "validation")}
    build = functools.partial(
        build_model,
        cfg.model,
        input_shape=dataset.shape,
        num_classes=len(dataset.classes),
    )
    configure_runtime(seed=cfg.seed, threads=cfg.runtime.threads, device=cfg.runtime.device)
    policy = dtype_policy(cfg.runtime.precision, mixed=cfg.train.mixed_precision)
    print(f"train: computing in {policy}", flush=True)
    used = made_with(threads=cfg.runtime.threads, policy=policy)
    # The twin is in float32: layers of a mixed-precision model keep that policy when saved.
    networks = build(dtype=policy), build()
    untrained = networks[0].get_weights()
    sources = _sources(cfg, splits, batch_size(networks[0]))
    balanced = cfg.train.class_weight == "balanced"
    weights = balanced_weights(splits["train"][1], len(dataset.classes)) if balanced else None
    trainer = Trainer(networks, _recipe(cfg), sources, seed=cfg.seed, class_weights=weights)
    state = _fit(cfg, trainer, scratch, _digest(cfg, splits, used))
    about = {KEY: _trained_on(dataset).model_dump()}
    for name, values in (("untrained", untrained), ("best", state.kept_weights)):
        trainer.kept.set_weights(values)
        save_network(trainer.kept, saved / f"{name}.keras", about)
    write_snapshots(saved / "epochs.npz", state.snapshots)
    seconds = time.monotonic() - started
    _write_reports(reports, trainer.kept, state, used, seconds)
    kept = state.kept
    print(
        f"train: kept epoch {state.kept_epoch} of {len(state.history)}, validation loss"
        f" {kept['val_loss']:.4f}, validation accuracy {kept['val_accuracy']:.4f},"
        f" {seconds:.0f} s -> {saved / 'best.keras'}"
    )


def forget(scratch: Path) -> None:
    """Remove the state of a run that is over."""
    (scratch / STATE).unlink(missing_ok=True)


def _recipe(cfg: Settings) -> TrainConfig:
    """The recipe for these data: images that must not be mirrored are not."""
    if cfg.train.flip and not cfg.data.may_be_mirrored:
        print("train: no image is mirrored, since data.may_be_mirrored is false")
        return cfg.train.model_copy(update={"flip": False})
    return cfg.train


def _sources(cfg: Settings, splits: Splits, scored: int) -> tuple[Source, Source]:
    return source(*splits["train"], cfg.train.batch_size), source(*splits["validation"], scored)


def _fit(cfg: Settings, trainer: Trainer, scratch: Path, digest: str) -> TrainingState:
    """Train from the start, or from where an interrupted run of the same digest was."""
    restored = _restored(scratch / STATE, trainer, digest)
    progress = Progress(scratch / "progress.jsonl", cfg.train.epochs, len(restored.history))

    def run_epoch(epoch: int) -> Epoch:
        progress.start()
        return trainer.run_epoch(epoch, lambda step: progress.step(epoch, step))

    def after_epoch(state: TrainingState) -> None:
        write_state(scratch / STATE, pack(state, trainer.variables, digest))
        progress.end(state.history[-1])

    return fit(
        run_epoch, restored, epochs=cfg.train.epochs, patience=cfg.train.patience, after_epoch=after_epoch
    )


def _digest(cfg: Settings, splits: Splits, used: dict[str, Any]) -> str:
    """SHA-256 of all that a resumed run must share with the interrupted one."""
    sections = [section.model_dump() for section in (cfg.model, cfg.train, cfg.runtime)]
    about = {
        "configuration": [*sections, cfg.seed, cfg.data.may_be_mirrored],
        "data": [arrays.sha256(array) for pair in splits.values() for array in pair],
        "made_with": used,
        "code": [hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in closure(Path(__file__))],
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _restored(path: Path, trainer: Trainer, digest: str) -> TrainingState:
    fresh = TrainingState(snapshots=snapshot(trainer.kept))
    if not path.exists():
        return fresh
    try:
        state = unpack(arrays.read_npz(path), trainer.variables, digest)
    except InputError as error:
        print(f"train: {error}; starting anew")
        return fresh
    if state is None:
        print("train: an interrupted run had another configuration, machine, data or code; starting anew")
        return fresh
    print(f"train: continuing an interrupted run after epoch {len(state.history)}")
    return state


class Progress:
    """How far the training is: a line an epoch on the screen and in a file; on a terminal the steps too."""

    def __init__(self, path: Path, epochs: int, ended: int) -> None:
        self._path, self._epochs, self._started = path, epochs, 0.0
        files.write_text(path, json.dumps({"epoch": ended, "epochs": epochs}) + "\n")

    def start(self) -> None:
        """Begin an epoch."""
        self._started = time.monotonic()

    def step(self, epoch: int, step: int) -> None:
        """Show how many steps of the epoch of that number, from 0, are done."""
        if sys.stdout.isatty():
            print(f"\rtrain: epoch {epoch + 1}/{self._epochs}, step {step}", end="", flush=True)

    def end(self, row: dict[str, float]) -> None:
        """Show an epoch's scores; `row` is the history's."""
        seconds = time.monotonic() - self._started
        line = {**row, "epochs": self._epochs, "seconds": round(seconds, 1)}
        with self._path.open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(json.dumps(line) + "\n")
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        scores = "".join(f", {name} {row[name]:.4f}" for name in names)
        start = "\r" if sys.stdout.isatty() else ""
        print(f"{start}train: epoch {row['epoch']}/{self._epochs}{scores}, {seconds:.1f} s", flush=True)


def _trained_on(dataset: Prepared) -> TrainedOn:
    return TrainedOn(
        classes=dataset.classes,
        shape=list(dataset.shape),
        pixels=[0.0, 1.0],
        resize=dataset.resize,
        deep_range=dataset.deep_range,
    )


def _write_reports(
    reports: Path, network: "keras.Sequential", state: TrainingState, used: dict[str, Any], seconds: float
) -> None:
    header = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
    rows = [[row[name] for name in header] for row in state.history]
    files.write_table(reports / "history.tsv", header, rows, separator="\t")
    files.write_text(reports / "model.txt", summary(network))
    files.write_json(reports / "made_with.json", {"commit": commit_of(ROOT, "pipeline"), **used})
    timing = {"seconds": round(seconds, 1), "epochs": len(state.history), "cores": os.cpu_count()}
    files.write_json(reports / "timing.json", {"train": timing})


if __name__ == "__main__":
    with stage():
        train(load(Settings), *map(Path, sys.argv[1:]))
    # Not before the stage has checked what it used: put back, the same values continue from here.
    forget(Path(sys.argv[-1]))
