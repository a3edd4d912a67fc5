"""Stage `explain`: the trained network -> what excites each filter, what it is worth, what a class rests on.

    python -m pipeline.stages.explain models/best.keras data/prepared reports/explain.json \
        reports/figures/explain
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.analysis import attributions, importance, patches
from pipeline.analysis.firing import firing_threshold
from pipeline.analysis.receptive_fields import receptive_fields
from pipeline.analysis.sanity import cascade, describe, edges
from pipeline.base import arrays, files
from pipeline.config.explain import ExplainConfig
from pipeline.config.params import load
from pipeline.config.runtime import RuntimeConfig
from pipeline.config.section import Section, Seed
from pipeline.config.visualize import VisualizeConfig
from pipeline.data.prepared import ChosenImage, read_chosen, read_prepared
from pipeline.network import outputs
from pipeline.network.checkpoint import layers_of, load_model
from pipeline.network.start import configure_runtime
from pipeline.pictures import explanations
from pipeline.pictures.drawing import write_figure
from pipeline.stages import stage

if TYPE_CHECKING:
    import keras


class Settings(Section):
    """What this stage reads of `params.yaml`."""

    explain: ExplainConfig
    visualize: VisualizeConfig
    runtime: RuntimeConfig
    seed: Seed


def explain(cfg: Settings, checkpoint: Path, prepared: Path, report: Path, pictures: Path) -> None:
    """Take the deeper looks at the trained network, each with the check that it is right.

    Args:
        cfg: uses `explain.ablation_images`, `explain.sanity_images`, `visualize.images`, `seed`,
            `runtime.threads` and `runtime.device`.
        checkpoint: `best.keras` of stage `train`.
        prepared: folder of stage `prepare`.
        report: JSON file to write: patches and importance by layer, attributions by image, the
            sanity test.
        pictures: folder to write: `patches_<layer>.png`, `importance_<layer>.png`,
            `attribution_<n>.png`, `sanity.png`.

    Raises:
        InputError: an input is missing or damaged, or there is no such image.
    """
    dataset = read_prepared(prepared)
    chosen = read_chosen(dataset, cfg.visualize.images)
    labels = dataset.labels("validation")
    images = dataset.images("validation")
    configure_runtime(seed=cfg.seed, threads=cfg.runtime.threads, device=cfg.runtime.device)
    network = load_model(checkpoint, dataset.shape, len(dataset.classes))
    with files.replaced_folder(pictures) as folder:
        about = {
            "patches": _patches(folder, network, images),
            "importance": _importance(folder, network, images, labels[: cfg.explain.ablation_images]),
            "attributions": _attributions(folder, network, chosen, dataset.classes),
            "sanity": _sanity(folder, network, images[: cfg.explain.sanity_images], cfg.seed),
        }
    files.write_json(report, about)
    _print_summary(about)


def _patches(folder: Path, network: "keras.Model", images: arrays.RowFile) -> dict[str, Any]:
    """Draw each layer's patches; JSON values, with the proof that they hold all that the filter saw."""
    names = outputs.convolution_names(network)
    fields = receptive_fields(layers_of(network))
    layers = {}
    for name, found in patches.strongest_patches(network, names, images).items():
        down, across = fields[name]
        crops = patches.crops(found, fields[name], images, firing_threshold(network, name))
        figure = explanations.patches(name, crops, (down.size, across.size), len(images))
        write_figure(folder / f"patches_{name}.png", figure)
        again = patches.recomputed(network, name, found, fields[name], images)
        layers[name] = {
            "patch_size": [down.size, across.size],
            "largest_difference_when_recomputed": float(np.abs(again - found.activations).max()),
            "images": found.images.tolist(),
            "rows": found.rows.tolist(),
            "columns": found.columns.tolist(),
            "activations": found.activations.tolist(),
        }
    return {"images": len(images), "layers": layers}


def _importance(
    folder: Path, network: "keras.Model", images: arrays.RowFile, labels: arrays.Array
) -> dict[str, Any]:
    layers, accuracy = {}, 0.0
    for name in outputs.convolution_names(network):
        accuracy, lost = importance.ablation(network, name, images, labels)
        layers[name] = {"accuracy_lost": lost.tolist()}
        figure = explanations.importance(name, lost, accuracy, len(labels))
        write_figure(folder / f"importance_{name}.png", figure)
    return {"images": len(labels), "accuracy": accuracy, "layers": layers}


def _attributions(
    folder: Path, network: "keras.Model", chosen: list[ChosenImage], classes: list[str]
) -> list[dict[str, Any]]:
    """Draw what speaks for the two likeliest classes of each image; JSON values with completeness."""
    logits = attributions.logit_model(outputs.separated(network))
    gradients = attributions.gradient_function(logits)
    rows = []
    for number, image in enumerate(chosen):
        probabilities = outputs.probabilities(network, image.pixels[np.newaxis])[0]
        likeliest = np.argsort(-probabilities, kind="stable")[:2].tolist()
        found = [attributions.attribute(logits, gradients, image.pixels, k) for k in likeliest]
        maps = {
            f"for {classes[a.class_number]}: logit {a.logit:.2f}\n(black image {a.baseline_logit:.2f}),"
            f" sum {a.values.sum():.2f}": a.values.sum(axis=-1)
            for a in found
        }
        figure = explanations.attribution(image.pixels, image.title, maps)
        write_figure(folder / f"attribution_{number}.png", figure)
        place = {"split": image.split, "index": image.index, "class": image.class_name}
        rows.append({**place, "logits": [attributions.describe(a, classes) for a in found]})
    return rows


def _sanity(folder: Path, network: "keras.Model", images: arrays.Array, seed: int) -> dict[str, Any]:
    steps = cascade(network, images, seed)
    about = describe(steps, images)
    curves = {
        "integrated gradients": about["integrated_gradients"],
        "integrated gradients without sign": about["integrated_gradients_without_sign"],
        "edge detector (control)": about["edge_detector"],
    }
    figure = explanations.sanity(
        images[0],
        {layer: maps[0] for layer, maps in steps.items()},
        edges(images[0]),
        curves,
        f"Do the maps depend on what the network learned? Validation image 0 above;"
        f" mean over {len(images)} validation images below",
    )
    write_figure(folder / "sanity.png", figure)
    return about


def _print_summary(about: dict[str, Any]) -> None:
    for name, row in about["patches"]["layers"].items():
        difference = row["largest_difference_when_recomputed"]
        lost = about["importance"]["layers"][name]["accuracy_lost"]
        print(
            f"explain: {name} patches differ by {difference:.1e} when recomputed,"
            f" most important filter {int(np.argmax(lost))} ({100 * max(lost):.2f} points)"
        )
    for row in about["attributions"]:
        for logit in row["logits"]:
            verdict = "complete" if logit["complete"] else "NOT COMPLETE"
            print(
                f"explain: {row['split']} image {row['index']}, {logit['class']}: {verdict} within"
                f" {logit['completeness_error']:.2%}, {logit['steps']} steps"
            )
    sanity = about["sanity"]
    if sanity["passed"] is None:
        print(f"explain: sanity test {sanity['reason']}")
        return
    print(
        f"explain: rank correlation with a random network's map {sanity['integrated_gradients'][-1]:.2f}"
        f" (edge detector {sanity['edge_detector'][-1]:.2f}):"
        f" sanity test {'passed' if sanity['passed'] else 'NOT PASSED'}"
    )


if __name__ == "__main__":
    with stage():
        explain(load(Settings), *map(Path, sys.argv[1:]))
