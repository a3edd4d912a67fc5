"""Stage `visualize_features`: the networks and some images -> feature maps, and the way of each image.

    python -m pipeline.stages.visualize_features models/best.keras models/untrained.keras \
        data/prepared reports/features.json reports/figures/visualize_features
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.analysis.firing import describe_rates, fire_rates, firing_threshold
from pipeline.analysis.parts import parts
from pipeline.analysis.walk import Step, describe_step
from pipeline.analysis.walk import walk as walked
from pipeline.base import files
from pipeline.base.arrays import Array
from pipeline.config.params import load
from pipeline.config.runtime import RuntimeConfig
from pipeline.config.section import Section, Seed
from pipeline.config.visualize import VisualizeConfig
from pipeline.data.prepared import ChosenImage, read_chosen, read_prepared
from pipeline.network import outputs
from pipeline.network.checkpoint import load_model
from pipeline.network.start import configure_runtime
from pipeline.pictures import features, walk
from pipeline.pictures.drawing import activation_scale, write_figure
from pipeline.stages import stage

if TYPE_CHECKING:
    import keras


class Settings(Section):
    """What this stage reads of `params.yaml`."""

    visualize: VisualizeConfig
    runtime: RuntimeConfig
    seed: Seed


def visualize_features(
    cfg: Settings, checkpoint: Path, untrained_file: Path, prepared: Path, report: Path, pictures: Path
) -> None:
    """Show what each filter makes of an image, how often it fires, and each image's way, layer by layer.

    Args:
        cfg: uses `visualize.images` (the first for the feature maps), `visualize.fire_rate_images`,
            `visualize.histogram_bins`, `visualize.kernel_limit`, `visualize.kernel_colours`,
            `visualize.max_kernel_rows`, `seed`, `runtime.threads` and `runtime.device`.
        checkpoint: `best.keras` of stage `train`.
        untrained_file: `untrained.keras` of stage `train`.
        prepared: folder of stage `prepare`.
        report: JSON file to write: by layer, fire rates and the dead, rare and always-on filters;
            by image and layer, the smallest and the largest output.
        pictures: folder to write: of the first image `input.png`, `parts.png` and, also with the ending
            `_untrained`, `features_<layer>.png`; of image n `walk_<n>.png`, `walk_<n>_untrained.png`,
            `walk_<n>_<layer>.png`.

    Raises:
        InputError: an input is missing or damaged, or there is no such image.
    """
    dataset = read_prepared(prepared)
    images = read_chosen(dataset, cfg.visualize.images)
    many = dataset.images("validation")
    count = min(cfg.visualize.fire_rate_images, len(many))
    configure_runtime(seed=cfg.seed, threads=cfg.runtime.threads, device=cfg.runtime.device)
    networks = [
        load_model(path, dataset.shape, len(dataset.classes)) for path in (checkpoint, untrained_file)
    ]
    network, untrained = networks
    names = outputs.convolution_names(network)
    rates = [fire_rates(one, names, many, count) for one in networks]
    about = {name: describe_rates(rates[0][name]) for name in names}
    walks = [walked(network, image.pixels) for image in images]
    described = [_describe(image, steps) for image, steps in zip(images, walks, strict=True)]
    files.write_json(report, {"images": count, "layers": about, "walks": described})
    with files.replaced_folder(pictures) as folder:
        first = images[0]
        write_figure(folder / "input.png", features.input_image(first.pixels, first.title))
        layer = network.layers[0]
        shown = parts(network, first.pixels)
        figure = features.parts(shown, first.title, stride=layer.strides[0], layer=layer.name)
        write_figure(folder / "parts.png", figure)
        _draw_feature_maps(folder, networks, rates, first.pixels, count)
        for number, (image, steps) in enumerate(zip(images, walks, strict=True)):
            before = walked(untrained, image.pixels)
            _draw_walk(cfg, folder / f"walk_{number}", image, steps, before, dataset.classes)
    for name in names:
        dead, rare, always_on = (len(about[name][kind]) for kind in ("dead", "rare", "always_on"))
        print(f"visualize_features: {name} {dead} dead, {rare} rare, {always_on} always-on")
    for image, steps in zip(images, walks, strict=True):
        for step in steps:
            output = walk.range_text(step.output)
            print(f"visualize_features: {image.split} image {image.index}, {step.name} {output}")


def _describe(image: ChosenImage, steps: list[Step]) -> dict[str, Any]:
    layers = {step.name: describe_step(step) for step in steps}
    return {"split": image.split, "index": image.index, "class": image.class_name, "layers": layers}


def _draw_feature_maps(
    folder: Path, networks: list["keras.Model"], rates: list[dict[str, Array]], image: Array, count: int
) -> None:
    """Of both networks with their fire rates, the trained one first; a layer's maps share one scale."""
    names = list(rates[0])
    all_maps = [outputs.feature_maps(network, names, image) for network in networks]
    for name in names:
        scale = activation_scale(*[maps[name] for maps in all_maps])
        names_of = ((name, f"features_{name}"), (f"{name}, untrained", f"features_{name}_untrained"))
        for network, fired, maps, (title, stem) in zip(networks, rates, all_maps, names_of, strict=True):
            threshold = firing_threshold(network, name)
            figure = features.feature_maps(
                title, maps[name], fired[name], scale=scale, images=count, threshold=threshold
            )
            write_figure(folder / f"{stem}.png", figure)


def _draw_walk(
    cfg: Settings, path: Path, image: ChosenImage, steps: list[Step], before: list[Step], classes: list[str]
) -> None:
    """Write the strips to `path`, and each layer's picture to `path` with the layer's name, as PNG."""
    scales = walk.scales(steps, before)
    for walked_steps, ending, word in ((steps, "", ""), (before, "_untrained", ", untrained network")):
        figure = walk.strip(image.pixels, walked_steps, scales, image.title + word, classes)
        write_figure(path.with_name(f"{path.name}{ending}.png"), figure)
    for number, (step, scale) in enumerate(zip(steps, scales, strict=True), start=1):
        figure = walk.layer(
            step,
            scale,
            walk.title_of(step, number, steps, image.title),
            classes,
            bins=cfg.visualize.histogram_bins,
            kernel_limit=cfg.visualize.kernel_limit,
            max_kernel_rows=cfg.visualize.max_kernel_rows,
            in_colour=number == 1 and image.pixels.shape[-1] == 3,
            kernel_colours=cfg.visualize.kernel_colours,
        )
        write_figure(path.with_name(f"{path.name}_{step.name}.png"), figure)


if __name__ == "__main__":
    with stage():
        visualize_features(load(Settings), *map(Path, sys.argv[1:]))
