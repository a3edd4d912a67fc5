"""Stage `compare_untrained`: both networks -> what training changed in the kernels.

    python -m pipeline.stages.compare_untrained models/best.keras models/untrained.keras \
        reports/compare_untrained.json reports/figures/compare_untrained
"""

import sys
from pathlib import Path

from pipeline import files, weight_figures, weights
from pipeline.config import Config, load_config, one_line_errors


def compare_untrained(
    cfg: Config, trained_file: Path, untrained_file: Path, report: Path, pictures: Path
) -> None:
    """Set each convolution's kernels beside those of the network before its first step.

    Args:
        cfg: uses `visualize.kernel_limit`, `visualize.max_kernel_rows`, `visualize.histogram_bins`.
        trained_file: `best.keras` of stage `train`; both are read without TensorFlow.
        untrained_file: `untrained.keras` of stage `train`.
        report: JSON file to write: distances by layer name, see `weights.compare`.
        pictures: folder to write: `compare_kernels_<layer>.png`, `compare_weights_<layer>.png`.

    Raises:
        InputError: a checkpoint is missing or damaged, or their layers differ.
    """
    trained, untrained = (weights.layers(*files.read_keras(path)) for path in (trained_file, untrained_file))
    pairs = weights.paired_convolutions(trained, untrained)
    distances = {
        after.name: {
            **weights.compare(after.kernel, before.kernel),
            "initializer_limit": weights.initializer_limit(before)[1],
        }
        for after, before in pairs
    }
    files.write_json(report, distances)
    with files.replaced_folder(pictures) as folder:
        for after, before in pairs:
            kernels = after.kernel, before.kernel
            limit = weights.colour_limit(cfg.visualize.kernel_limit, *kernels)
            rows = cfg.visualize.max_kernel_rows
            if weights.sees_colours(trained, after):
                titles = f"{after.name}, trained", f"{after.name}, untrained"
                figure = weight_figures.colour_kernels(dict(zip(titles, kernels, strict=True)), limit=limit)
            else:
                figure = weight_figures.compare_kernels(after.name, *kernels, limit=limit, max_rows=rows)
            files.write_figure(folder / f"compare_kernels_{after.name}.png", figure)
            figure = weight_figures.compare_histograms(
                after,
                before,
                bins=cfg.visualize.histogram_bins,
                limit=weights.initializer_limit(before),
            )
            files.write_figure(folder / f"compare_weights_{after.name}.png", figure)
    for name, row in distances.items():
        print(
            f"compare_untrained: {name} std {row['untrained']['std']:.4f} ->"
            f" {row['trained']['std']:.4f}, relative travel {row['relative_travel']:.2f}"
        )


if __name__ == "__main__":
    with one_line_errors():
        compare_untrained(load_config(), *map(Path, sys.argv[1:]))
