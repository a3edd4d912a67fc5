"""Stage `visualize_weights`: the trained network -> its kernels as numbers and pictures.

    python -m pipeline.stages.visualize_weights models/best.keras reports/weights.json \
        reports/figures/visualize_weights
"""

import sys
from pathlib import Path

from pipeline.analysis.weights import colour_limit, statistics
from pipeline.base import files
from pipeline.config.params import load
from pipeline.config.section import Section
from pipeline.config.visualize import VisualizeConfig
from pipeline.network.checkpoint import convolutions, read_layers, sees_colours
from pipeline.pictures import kernels, weights
from pipeline.pictures.drawing import write_figure
from pipeline.stages import stage


class Settings(Section):
    """What this stage reads of `params.yaml`."""

    visualize: VisualizeConfig


def visualize_weights(cfg: Settings, checkpoint: Path, report: Path, pictures: Path) -> None:
    """Show the architecture and, of each convolution, its kernels and their distribution.

    Args:
        cfg: uses `visualize.kernel_limit`, `visualize.kernel_colours`,
            `visualize.max_kernel_rows`, `visualize.histogram_bins`.
        checkpoint: `best.keras` of stage `train`; read without TensorFlow.
        report: JSON file to write: statistics by layer name.
        pictures: folder to write: `architecture.png`, `kernels_<layer>.png`, `weights_<layer>.png`.

    Raises:
        InputError: the checkpoint is missing or damaged.
    """
    network = read_layers(checkpoint)
    layers = convolutions(network)
    about = {layer.name: statistics(*layer.variables) for layer in layers}
    files.write_json(report, about)
    with files.replaced_folder(pictures) as folder:
        write_figure(folder / "architecture.png", weights.architecture(network))
        for layer in layers:
            figure = kernels.kernels(
                {layer.name: layer.kernel},
                limit=colour_limit(cfg.visualize.kernel_limit, layer.kernel),
                max_rows=cfg.visualize.max_kernel_rows,
                in_colour=sees_colours(network, layer),
                colours=cfg.visualize.kernel_colours,
            )
            write_figure(folder / f"kernels_{layer.name}.png", figure)
            figure = weights.histogram(layer, bins=cfg.visualize.histogram_bins)
            write_figure(folder / f"weights_{layer.name}.png", figure)
    for name, row in about.items():
        print(f"visualize_weights: {name} {row['kernel_shape']} mean {row['mean']:.4f}, std {row['std']:.4f}")


if __name__ == "__main__":
    with stage():
        visualize_weights(load(Settings), *map(Path, sys.argv[1:]))
