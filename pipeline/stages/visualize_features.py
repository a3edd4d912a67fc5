"""Stage `visualize_features`: the best network and an image -> its feature maps.

    python -m pipeline.stages.visualize_features models/best.keras data/prepared \
        reports/features.json reports/figures/visualize_features
"""

import sys
from pathlib import Path
from typing import Any

from pipeline import datasets, features, figures, files, models, training
from pipeline.config import Config, load_config, one_line_errors


def visualize_features(cfg: Config, checkpoint: Path, prepared: Path, report: Path, pictures: Path) -> None:
    """Show what each filter makes of one image, and how often it fires over many.

    Args:
        cfg: uses `visualize.images` (the first), `visualize.fire_rate_images`, `seed`,
            `runtime.threads` and `runtime.device`.
        checkpoint: `best.keras` of stage `train`.
        prepared: folder of stage `prepare`.
        report: JSON file to write: by layer, fire rates and the dead, rare and always-on filters.
        pictures: folder to write: `input.png`, `features_<layer>.png`.

    Raises:
        InputError: an input is missing or damaged, or there is no such image.
    """
    dataset = files.read_json(prepared / "dataset.json")
    chosen = cfg.visualize.images[0]
    rows = {name: files.read_array(prepared / f"{name}_rows.npy") for name in ("train", "validation")}
    split, row = datasets.find_image(rows, dataset["counts"], chosen["split"], chosen["index"])
    image = files.read_array(prepared / f"{split}_images.npy")[row]
    label = dataset["classes"][files.read_array(prepared / f"{split}_labels.npy")[row]]
    training.configure_runtime(seed=cfg.seed, threads=cfg.runtime.threads, device=cfg.runtime.device)
    network = models.load_model(checkpoint, tuple(dataset["shape"]))
    names = features.convolution_names(network)
    maps = features.feature_maps(network, names, image)
    many = files.read_array(prepared / "validation_images.npy")[: cfg.visualize.fire_rate_images]
    rates = features.fire_rates(network, names, many)
    about = {name: features.describe_rates(rates[name]) for name in names}
    files.write_json(report, {"images": len(many), "layers": about})
    with files.replaced_folder(pictures) as folder:
        title = f"{chosen['split']} image {chosen['index']}: {label}"
        files.write_figure(folder / "input.png", figures.input_image(image, title))
        for name in names:
            figure = figures.feature_maps(
                name,
                maps[name],
                rates[name],
                [features.firing_kind(rate) for rate in rates[name]],
                images=len(many),
                threshold=features.firing_threshold(network, name),
            )
            files.write_figure(folder / f"features_{name}.png", figure)
    for name in names:
        print(f"visualize_features: {name} {_summary(about[name])}")


def _summary(about: dict[str, Any]) -> str:
    kinds = ("dead", "rare", "always_on")
    return ", ".join(f"{len(about[kind])} {kind.replace('_', '-')}" for kind in kinds)


if __name__ == "__main__":
    with one_line_errors():
        visualize_features(load_config(), *map(Path, sys.argv[1:]))
