"""Pictures of losses and accuracies over the epochs."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from pipeline.pictures.drawing import ACCENT, STRONG, new_figure


def learning_curves(history: Mapping[str, Sequence[float]], best_epoch: int) -> Figure:
    """Loss and accuracy of training and validation over the epochs, the best epoch marked.

    Args:
        history: columns epoch, loss, accuracy, val_loss, val_accuracy.
        best_epoch: the epoch whose weights are kept.
    """
    figure = new_figure(10, 4.2)
    panels = {"loss": "loss (cross-entropy, nats)", "accuracy": "accuracy (share of images)"}
    epochs = history["epoch"]
    for axes, (name, label) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        axes.plot(epochs, history[name], color=ACCENT, marker="o", ms=4, ls="--", label="training")
        validation = history[f"val_{name}"]
        axes.plot(epochs, validation, color=STRONG, marker="o", ms=4, label="validation")
        axes.axvline(best_epoch, color="0.4", ls=":", label=f"best epoch: {best_epoch}")
        best = validation[list(epochs).index(best_epoch)]
        axes.plot([best_epoch], [best], marker="*", ms=14, color=STRONG, ls="none")
        # On the side where the training curve is not.
        below = best < history[name][list(epochs).index(best_epoch)]
        offset = (0, -20 if below else 10)
        axes.annotate(f"{best:.4f}", (best_epoch, best), offset, textcoords="offset points", ha="center")
        axes.set(xlabel="epoch", ylabel=label, title=label.split(" (")[0].capitalize())
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.margins(y=0.15)
        axes.legend()
    return figure
