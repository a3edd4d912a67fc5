"""Stage `compare_untrained`: both networks -> what training changed in the kernels.

    python -m pipeline.stages.compare_untrained models/best.keras models/untrained.keras \
        reports/compare_untrained.json reports/figures/compare_untrained
"""

import sys
from pathlib import Path

from pipeline.analysis.weights import colour_limit, compare, initializer_limit
from pipeline.base import files
from pipeline.config.params import load
from pipeline.config.section import Section
from pipeline.config.visualize import VisualizeConfig
from pipeline.network.checkpoint import convolutions, read_layers, sees_colours
from pipeline.pictures import weights
from pipeline.pictures.drawing import write_figure
from pipeline.pictures.kernels import kernels
from pipeline.stages import stage


class Settings(Section):
    """What this stage reads of `params.yaml`."""

    visualize: VisualizeConfig


def compare_untrained(
    cfg: Settings, trained_file: Path, untrained_file: Path, report: Path, pictures: Path
) -> None:
    """Set each convolution's kernels beside those of the network before its first step.

    Args:
        cfg: uses `visualize.kernel_limit`, `visualize.kernel_colours`,
            `visualize.max_kernel_rows`, `visualize.histogram_bins`.
        trained_file: `best.keras` of stage `train`; both are read without TensorFlow.
        untrained_file: `untrained.keras` of stage `train`.
        report: JSON file to write: distances by layer name, see `analysis.weights.compare`.
        pictures: folder to write: `compare_kernels_<layer>.png`, `compare_weights_<layer>.png`.

    Raises:
        InputError: a checkpoint is missing or damaged.
    """
    trained, untrained = (read_layers(path) for path in (trained_file, untrained_file))
    pairs = list(zip(convolutions(trained), convolutions(untrained), strict=True))
    distances = {
        after.name: compare(after.kernel, before.kernel) | {"initializer_limit": initializer_limit(before)[1]}
        for after, before in pairs
    }
    files.write_json(report, distances)
    with files.replaced_folder(pictures) as folder:
        for after, before in pairs:
            panels = {f"{after.name}, trained": after.kernel, f"{after.name}, untrained": before.kernel}
            figure = kernels(
                panels,
                limit=colour_limit(cfg.visualize.kernel_limit, *panels.values()),
                max_rows=cfg.visualize.max_kernel_rows,
                in_colour=sees_colours(trained, after),
                colours=cfg.visualize.kernel_colours,
            )
            write_figure(folder / f"compare_kernels_{after.name}.png", figure)
            figure = weights.compare_histograms(
                after,
                before,
                bins=cfg.visualize.histogram_bins,
                limit=initializer_limit(before),
            )
            write_figure(folder / f"compare_weights_{after.name}.png", figure)
    for name, row in distances.items():
        travel = row["relative_travel"]
        print(
            f"compare_untrained: {name} std {row['untrained']['std']:.4f} -> {row['trained']['std']:.4f},"
            f" relative travel {'unknown' if travel is None else f'{travel:.2f}'}"
        )


if __name__ == "__main__":
    with stage():
        compare_untrained(load(Settings), *map(Path, sys.argv[1:]))
