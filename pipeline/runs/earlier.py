"""Runs that earlier versions made, by the names of today."""

from collections.abc import Mapping
from typing import Any

# Keys that stood in `data` whatever the source, with the sources that read them.
MOVED = {
    "mirror": ("fashion_mnist", "mnist"),
    "resize": ("image_folder",),
    "skip_unreadable": ("image_folder",),
    "test_fraction": ("image_folder",),
}
GONE = {"data.update_package_lists", "data.name", *(f"data.{key}" for key in MOVED)}


def params(values: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration by dotted key; `data.name` was the kind of the source, as `data.source.kind` is."""
    if "data.name" not in values or "data.source.kind" in values:
        return dict(values)
    kind = values["data.name"]
    read = [key for key, kinds in MOVED.items() if kind in kinds and f"data.{key}" in values]
    source = {"kind": kind, **{key: values[f"data.{key}"] for key in read}}
    kept = {key: value for key, value in values.items() if key not in GONE}
    return {**kept, **{f"data.source.{key}": value for key, value in source.items()}}


def metrics(values: Mapping[str, float]) -> dict[str, float]:
    """Numbers by dotted key; `kept_epoch` was `best_epoch`."""
    return {"kept_epoch" if key == "best_epoch" else key: value for key, value in values.items()}
