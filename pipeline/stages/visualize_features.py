"""Stage `visualize_features`: the best network and some images -> feature maps, and the way of each image.

    python -m pipeline.stages.visualize_features models/best.keras data/prepared \
        reports/features.json reports/figures/visualize_features
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import datasets, feature_figures, features, files, models, training, walk_figures
from pipeline.config import Config, load_config, one_line_errors

if TYPE_CHECKING:
    import keras


def visualize_features(cfg: Config, checkpoint: Path, prepared: Path, report: Path, pictures: Path) -> None:
    """Show what each filter makes of an image, how often it fires, and each image's way, layer by layer.

    Args:
        cfg: uses `visualize.images` (the first for the feature maps), `visualize.fire_rate_images`,
            `visualize.histogram_bins`, `visualize.kernel_limit`, `visualize.max_kernel_rows`,
            `seed`, `runtime.threads` and `runtime.device`.
        checkpoint: `best.keras` of stage `train`.
        prepared: folder of stage `prepare`.
        report: JSON file to write: by layer, fire rates and the dead, rare and always-on filters;
            by image and layer, the smallest and the largest output.
        pictures: folder to write: `input.png`, `features_<layer>.png` of the first image; of image n
            `walk_<n>.png`, `walk_<n>_<layer>.png`.

    Raises:
        InputError: an input is missing or damaged, or there is no such image.
    """
    dataset = files.read_json(prepared / "dataset.json")
    images = datasets.read_chosen(prepared, cfg.visualize.images)
    training.configure_runtime(seed=cfg.seed, threads=cfg.runtime.threads, device=cfg.runtime.device)
    network = models.load_model(checkpoint, tuple(dataset["shape"]))
    names = features.convolution_names(network)
    many = files.read_array(prepared / "validation_images.npy")[: cfg.visualize.fire_rate_images]
    rates = features.fire_rates(network, names, many)
    about = {name: features.describe_rates(rates[name]) for name in names}
    walks = [features.walk(network, image.pixels) for image in images]
    described = [_describe(image, steps) for image, steps in zip(images, walks, strict=True)]
    files.write_json(report, {"images": len(many), "layers": about, "walks": described})
    with files.replaced_folder(pictures) as folder:
        files.write_figure(
            folder / "input.png", feature_figures.input_image(images[0].pixels, images[0].title)
        )
        _draw_feature_maps(folder, network, images[0].pixels, rates, len(many))
        for number, (image, steps) in enumerate(zip(images, walks, strict=True)):
            _draw_walk(cfg, folder / f"walk_{number}", image, steps, dataset["classes"])
    for name in names:
        print(f"visualize_features: {name} {_summary(about[name])}")
    for image, steps in zip(images, walks, strict=True):
        for step in steps:
            output = walk_figures.range_text(step.output)
            print(f"visualize_features: {image.split} image {image.index}, {step.name} {output}")


def _describe(image: datasets.ChosenImage, steps: list[features.Step]) -> dict[str, Any]:
    layers = {step.name: features.describe_step(step) for step in steps}
    return {"split": image.split, "index": image.index, "class": image.class_name, "layers": layers}


def _draw_feature_maps(
    folder: Path, network: "keras.Model", image: files.Array, rates: dict[str, files.Array], count: int
) -> None:
    for name, maps in features.feature_maps(network, list(rates), image).items():
        figure = feature_figures.feature_maps(
            name,
            maps,
            rates[name],
            [features.firing_kind(rate) for rate in rates[name]],
            images=count,
            threshold=features.firing_threshold(network, name),
        )
        files.write_figure(folder / f"features_{name}.png", figure)


def _draw_walk(
    cfg: Config, path: Path, image: datasets.ChosenImage, steps: list[features.Step], classes: list[str]
) -> None:
    """Write the strip to `path` and each layer's picture to `path` with the layer's name, as PNG."""
    scales = walk_figures.scales(steps)
    figure = walk_figures.strip(image.pixels, steps, scales, image.title, classes)
    files.write_figure(path.with_name(f"{path.name}.png"), figure)
    for number, (step, scale) in enumerate(zip(steps, scales, strict=True), start=1):
        figure = walk_figures.layer(
            step,
            scale,
            walk_figures.title_of(step, number, steps, image.title),
            classes,
            bins=cfg.visualize.histogram_bins,
            kernel_limit=cfg.visualize.kernel_limit,
            max_kernel_rows=cfg.visualize.max_kernel_rows,
        )
        files.write_figure(path.with_name(f"{path.name}_{step.name}.png"), figure)


def _summary(about: dict[str, Any]) -> str:
    kinds = ("dead", "rare", "always_on")
    return ", ".join(f"{len(about[kind])} {kind.replace('_', '-')}" for kind in kinds)


if __name__ == "__main__":
    with one_line_errors():
        visualize_features(load_config(), *map(Path, sys.argv[1:]))
