"""Stage `visualize_weights`: the best network -> its kernels as numbers and pictures.

    python -m pipeline.stages.visualize_weights models/best.keras reports/weights.json \
        reports/figures/visualize_weights
"""

import sys
from pathlib import Path

from pipeline import files, weight_figures, weights
from pipeline.config import Config, load_config, one_line_errors


def visualize_weights(cfg: Config, checkpoint: Path, report: Path, pictures: Path) -> None:
    """Show the architecture and, of each convolution, its kernels and their distribution.

    Args:
        cfg: uses `visualize.kernel_limit`, `visualize.max_kernel_rows`, `visualize.histogram_bins`.
        checkpoint: `best.keras` of stage `train`; read without TensorFlow.
        report: JSON file to write: statistics by layer name.
        pictures: folder to write: `architecture.png`, `kernels_<layer>.png`, `weights_<layer>.png`.

    Raises:
        InputError: the checkpoint is missing or damaged.
    """
    network = weights.layers(*files.read_keras(checkpoint))
    layers = weights.convolutions(network)
    statistics = {layer.name: weights.statistics(*layer.variables) for layer in layers}
    files.write_json(report, statistics)
    with files.replaced_folder(pictures) as folder:
        files.write_figure(folder / "architecture.png", weight_figures.architecture(network))
        for layer in layers:
            limit = weights.colour_limit(cfg.visualize.kernel_limit, layer.kernel)
            if weights.sees_colours(network, layer):
                figure = weight_figures.colour_kernels({layer.name: layer.kernel}, limit=limit)
            else:
                figure = weight_figures.kernels(layer, limit=limit, max_rows=cfg.visualize.max_kernel_rows)
            files.write_figure(folder / f"kernels_{layer.name}.png", figure)
            figure = weight_figures.histogram(layer, bins=cfg.visualize.histogram_bins)
            files.write_figure(folder / f"weights_{layer.name}.png", figure)
    for name, row in statistics.items():
        print(f"visualize_weights: {name} {row['kernel_shape']} mean {row['mean']:.4f}, std {row['std']:.4f}")


if __name__ == "__main__":
    with one_line_errors():
        visualize_weights(load_config(), *map(Path, sys.argv[1:]))
