"""Stage `train`: a training split -> the best network, and the same network untrained.

    python -m pipeline.stages.train data/prepared models reports .train

The last folder is no output: it keeps the state of an interrupted run, which the next run continues.
"""

import functools
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base import arrays, files
from pipeline.base.errors import InputError
from pipeline.base.imports import ROOT, closure
from pipeline.base.locks import claimed
from pipeline.base.processes import stage
from pipeline.config.fields import seed_number
from pipeline.config.model import ModelConfig
from pipeline.config.params import load
from pipeline.config.runtime import RuntimeConfig
from pipeline.config.train import TrainConfig
from pipeline.data.prepared import read_prepared
from pipeline.network.batches import EVALUATION_BATCH, batches
from pipeline.network.checkpoint import save_network
from pipeline.network.layers import build_model, summary
from pipeline.network.start import configure_runtime, import_keras
from pipeline.training.loop import fit, permutation
from pipeline.training.recipe import compile_model
from pipeline.training.state import TrainingState, pack, read_state, unpack, write_state

if TYPE_CHECKING:
    import keras

# Images, which stay on disk, and labels by split.
Splits = dict[str, tuple[arrays.RowFile, arrays.Array]]


@dataclass(frozen=True)
class Settings:
    """What this stage reads of `params.yaml`."""

    model: ModelConfig
    train: TrainConfig
    runtime: RuntimeConfig
    seed: int = seed_number()


def train(cfg: Settings, prepared: Path, saved: Path, reports: Path, scratch: Path) -> None:
    """Fit the network, keep the weights of the best validation loss.

    Args:
        cfg: uses `model`, `train`, `runtime` and `seed`.
        prepared: folder of stage `prepare`.
        saved: folder to write `best.keras` and `untrained.keras` to: float32, uncompiled.
        reports: folder to write `history.tsv`, `model.txt` and `timing.json` (not hashed) to.
        scratch: folder of the interrupted run's state, emptied on success.

    Raises:
        InputError: the network does not fit the images, a loss is not finite, or another training
            is at work here.
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
    with claimed(scratch / "lock", _refusal):
        configure_runtime(seed=cfg.seed, threads=cfg.runtime.threads, device=cfg.runtime.device)
        network = build(dtype=cfg.runtime.precision)
        untrained = network.get_weights()
        state = _fit(cfg, network, splits, scratch / "state.npz")
        # A twin in float32: layers of a mixed-precision model keep that policy when saved.
        twin = build()
        _save(twin, untrained, saved / "untrained.keras")
        _save(twin, state.best_weights, saved / "best.keras")
        seconds = time.monotonic() - started
        _write_reports(reports, twin, state, seconds, cfg.runtime.threads)
        (scratch / "state.npz").unlink()
    best = state.best
    print(
        f"train: best epoch {state.best_epoch} of {len(state.history)}, validation loss"
        f" {best['val_loss']:.4f}, validation accuracy {best['val_accuracy']:.4f},"
        f" {seconds:.0f} s -> {saved / 'best.keras'}"
    )


def _refusal(process: str) -> str:
    return (
        f"another training, process {process}, is at work in this folder; wait for it or end it with"
        f" `kill {process}`"
    )


def _fit(cfg: Settings, network: "keras.Sequential", splits: Splits, state_file: Path) -> TrainingState:
    """Train from the start, or from where an interrupted run of the same digest was."""
    steps = -(-len(splits["train"][1]) // cfg.train.batch_size)
    compile_model(
        network,
        learning_rate=cfg.train.learning_rate,
        schedule=cfg.train.learning_rate_schedule,
        epochs=cfg.train.epochs,
        steps=steps,
    )
    digest = _digest(cfg, splits)

    def save(state: TrainingState) -> None:
        write_state(state_file, pack(state, network, digest))

    return fit(
        network,
        _epoch_runner(cfg, network, splits),
        _restored(state_file, network, digest),
        epochs=cfg.train.epochs,
        patience=cfg.train.patience,
        after_epoch=save,
    )


def _digest(cfg: Settings, splits: Splits) -> str:
    """SHA-256 of all that a resumed run must share with the interrupted one."""
    import keras
    import tensorflow as tf

    about = {
        "configuration": [asdict(cfg.model), asdict(cfg.train), asdict(cfg.runtime), cfg.seed],
        "data": [arrays.sha256(array) for pair in splits.values() for array in pair],
        "versions": [tf.__version__, keras.__version__],
        "code": [hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in closure(Path(__file__))],
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _restored(path: Path, network: "keras.Sequential", digest: str) -> TrainingState:
    fresh = TrainingState()
    if not path.exists():
        return fresh
    try:
        state = unpack(read_state(path), network, digest)
    except InputError as error:
        print(f"train: {error}; starting anew")
        return fresh
    if state is None:
        print("train: an interrupted run had another configuration, data or code; starting anew")
        return fresh
    print(f"train: continuing an interrupted run after epoch {len(state.history)}")
    return state


def _epoch_runner(
    cfg: Settings, network: "keras.Sequential", splits: Splits
) -> Callable[[int], dict[str, float]]:
    keras = import_keras()
    images, labels = splits["train"]
    held_out, held_out_labels = splits["validation"]
    validation = batches(held_out, EVALUATION_BATCH, held_out_labels)

    def stop(epoch: int, logs: Any) -> None:
        network.stop_training = True

    callbacks = [
        keras.callbacks.LambdaCallback(on_epoch_end=stop),
        keras.callbacks.TerminateOnNaN(),
    ]

    def run_epoch(epoch: int) -> dict[str, float]:
        order = permutation(cfg.seed, epoch, len(labels))
        result = network.fit(
            batches(images, cfg.train.batch_size, labels, order),
            initial_epoch=epoch,
            # One epoch a call (see `stop`); the total is for the screen.
            epochs=cfg.train.epochs,
            shuffle=False,
            validation_data=validation,
            callbacks=callbacks,
            # A bar on a terminal, one line an epoch in a log.
            verbose=1 if sys.stdout.isatty() else 2,
        )
        return {name: float(values[-1]) for name, values in result.history.items()}

    return run_epoch


def _save(network: "keras.Sequential", weights: list[arrays.Array], path: Path) -> None:
    network.set_weights(weights)
    save_network(network, path)


def _write_reports(
    reports: Path,
    network: "keras.Sequential",
    state: TrainingState,
    seconds: float,
    threads: int,
) -> None:
    header = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
    rows = [[row[name] for name in header] for row in state.history]
    files.write_table(reports / "history.tsv", header, rows, separator="\t")
    files.write_text(reports / "model.txt", summary(network))
    timing = {
        "seconds": round(seconds, 1),
        "epochs": len(state.history),
        "threads": threads,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
    }
    files.write_json(reports / "timing.json", {"train": timing})


if __name__ == "__main__":
    with stage():
        train(load(Settings), *map(Path, sys.argv[1:]))
