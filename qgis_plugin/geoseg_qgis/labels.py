"""What options of geoseg are called in the panel and in Processing."""

from __future__ import annotations

from .tr import tr


def labels() -> dict[str, str]:
    """Return the names of fields by option of geoseg's command line."""
    return {
        "model": tr("Model"),
        "bands": tr("Bands and values"),
        "stack": tr("Bands in other layers"),
        "scale": tr("Scale"),
        "offset": tr("Offset"),
        "nodata": tr("No data"),
        "resolution": tr("Pixel size"),
        "bbox": tr("Area"),
        "output": tr("Results"),
        "overwrite": tr("Replace existing results"),
        "min-area": tr("Minimum area"),
        "simplify": tr("Simplify"),
        "batch": tr("Batch size"),
        "window": tr("Tile size"),
        "lr": tr("Learning rate"),
        "epochs": tr("Epochs"),
        "memory": tr("Memory"),
        "device": tr("Device"),
        "class-field": tr("Class field"),
    }
