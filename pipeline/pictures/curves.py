"""Pictures of losses and accuracies over the epochs, of one run or of many."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pipeline.pictures.drawing import ACCENT, STRONG, new_figure, plain_ticks, shortened

History = Mapping[str, Sequence[float]]
Look = dict[str, Any]
# Told apart by the colour-blind too, and by their darkness in print.
COLOURS = (STRONG, ACCENT, "#56b4e9", "#000000", "#8a8a8a", "#e3c800", "#5b2a00", "#c9b458")
LINES = ("-", (0, (5, 1.2)), (0, (1, 1)), (0, (4, 1, 1, 1)))
LABELS = {"loss": "loss (cross-entropy, nats)", "accuracy": "accuracy (share of images)"}
# Of the only run.
TRAINING: Look = {"color": ACCENT, "ls": "--", "lw": 1.6}
MAX_WITH_TRAINING, LEGEND_COLUMNS = 4, 3


def learning_curves(
    histories: Mapping[str, Sequence[History]],
    columns: Sequence[str] = ("val_loss", "val_accuracy"),
    *,
    title: str = "",
    others: Sequence[History] = (),
) -> Figure:
    """Columns of histories over the epochs, a panel each; a colour for each configuration and its seeds.

    Several seeds are faint lines and their mean, over the epochs that all of them reached, a strong one.
    Up to four configurations show training beside validation, in pale. The star is the epoch whose
    weights are kept; where there is one run alone, with its value. The others are drawn in grey.

    Histories are by label, one for each seed, with columns epoch, loss, accuracy, val_loss, val_accuracy,
    and `kept`: the number of that epoch, where it is known.
    """
    figure = new_figure(11, 4.6 + 0.22 * (-(-len(histories) // LEGEND_COLUMNS) + 1 + title.count("\n")))
    figure.suptitle(title, fontsize=11)
    all_runs = [*(run for members in histories.values() for run in members), *others]
    same = len({column.removeprefix("val_") for column in columns}) == 1
    with_training = len(histories) <= MAX_WITH_TRAINING and not same
    training = TRAINING if with_training and len(all_runs) == 1 else {}
    for axes, column in zip(figure.subplots(1, len(columns), sharey=same), columns, strict=True):
        pale = column.removeprefix("val_") if with_training else ""
        for history in others:
            axes.plot(history["epoch"], history[column], color="0.82", lw=0.9, zorder=0)
        for number, members in enumerate(histories.values()):
            _draw_runs(axes, members, column, pale, _style(number), training)
        if len(all_runs) == 1:
            _write_kept(axes, all_runs[0], column)
        drawn = columns if same else [name for name in (column, pale) if name]
        values = [value for run in all_runs for name in drawn for value in run[name]]
        _name_axes(axes, column, with_training and not training, values)
    handles = [
        Line2D([], [], label=shortened(label), **_style(number)) for number, label in enumerate(histories)
    ]
    if training:
        handles.append(Line2D([], [], label="training", **training))
    if others:
        handles.append(Line2D([], [], color="0.82", label=f"{len(others)} other runs"))
    star = Line2D([], [], ls="none", marker="*", ms=11, color="0.3", label="epoch whose weights are kept")
    figure.legend(handles=[*handles, star], loc="outside lower center", ncols=LEGEND_COLUMNS, fontsize=9)
    return figure


def _style(number: int) -> Look:
    line = LINES[number // len(COLOURS) % len(LINES)]
    # The baseline is seen below a curve that covers it.
    return {"color": COLOURS[number % len(COLOURS)], "ls": line, "lw": 1.6 if number else 3.2}


def _draw_runs(
    axes: Axes, runs: Sequence[History], column: str, pale: str, style: Look, training: Look
) -> None:
    faint = {**style, "lw": 0.8, "alpha": 0.35}
    for run in runs:
        epochs, values = run["epoch"], run[column]
        if pale:
            axes.plot(epochs, run[pale], **(training or {"color": style["color"], "alpha": 0.35, "lw": 1.1}))
        # A run of one epoch is a point.
        marker = "o" if len(epochs) < 2 else ""
        axes.plot(epochs, values, marker=marker, ms=4, **(faint if len(runs) > 1 else style))
        for row in _kept(run):
            axes.plot([epochs[row]], [values[row]], marker="*", ms=11, color=style["color"], ls="none")
    if len(runs) > 1:
        length = min(len(run["epoch"]) for run in runs)
        mean = np.mean([run[column][:length] for run in runs], axis=0)
        axes.plot(runs[0]["epoch"][:length], mean, **style)


def _kept(run: History) -> list[int]:
    """The rows of the epochs whose weights are kept: one, or none where that is not known."""
    return [row for row, epoch in enumerate(run["epoch"]) if epoch in run.get("kept", ())]


def _write_kept(axes: Axes, run: History, column: str) -> None:
    for row in _kept(run):
        place = run["epoch"][row], run[column][row]
        # On the side where the training curve is not.
        above = run[column.removeprefix("val_")][row] < place[1]
        text, offset = f"{place[1]:.4f}", (0, 10 if above else -20)
        axes.annotate(text, place, offset, textcoords="offset points", ha="center")
    axes.margins(y=0.15)


def _name_axes(axes: Axes, column: str, pale: bool, values: Sequence[float]) -> None:
    name, of = column.removeprefix("val_"), "validation" if column.startswith("val_") else "training"
    title = f"{name.capitalize()} on the {of} images" + (", pale: training" if pale else "")
    axes.set(xlabel="epoch", ylabel=LABELS[name], title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.25)
    if name == "loss" and 0 < 10 * min(values) < max(values):
        axes.set_yscale("log")
        plain_ticks(axes.yaxis, values, digits=3)
        axes.set_ylabel(LABELS[name].replace(")", ", logarithmic)"))
