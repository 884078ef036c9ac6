"""STAC MLM items to the fields of a card and back; the one module that knows the JSON's layout."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from geoseg.classes import MapClass, default_color
from geoseg.errors import GeosegError, ModelError
from geoseg.models.card.boxes import TASK as BOXES
from geoseg.models.card.boxes import BoxHeads
from geoseg.models.card.input_items import described_bands, facts_of, input_items, parse_inputs
from geoseg.models.card.inputs import is_change
from geoseg.models.card.objects import TASK as INSTANCES
from geoseg.models.card.objects import ObjectHeads
from geoseg.models.card.percentiles import ValuePercentiles
from geoseg.models.card.values import assets_of, check_kinds, check_values, short

MLM = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json"
EXTENSIONS = (
    MLM,
    "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/version/v1.2.0/schema.json",
)

_ROLE = "mlm:model"
_TASK = "semantic-segmentation"
_CHANGE = "change-detection"
_REQUIRED = ("mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output")

# Fields that MLM does not have, written as geoseg:NAME; its schema forbids unknown mlm:* names.
_OWN = (
    "objects",
    "boxes",
    "value_range",
    "value_percentiles",
    "stride",
    "margin",
    "min_window",
    "window",
    "resolution",
    "bytes_per_pixel",
    "temperature",
    "metrics",
    "training_data",
    "known_failures",
    "attribution",
    "test_vector",
)

# The values that eo:common_name allows; other bands (a DSM, a radar channel) have their name only.
_COMMON = {
    *("coastal", "blue", "green", "red", "yellow", "pan", "rededge", "nir", "nir08", "nir09", "cirrus"),
    *("swir16", "swir22", "lwir", "lwir11", "lwir12"),
}

ENCODER_GEOMETRY = {"stride": 32, "margin": 64, "min_window": 32}
"""Window geometry, in pixels, of networks over an encoder of five levels (2^5 = 32): assumed if a card has none."""


def parse(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card's fields from an item.

    Raises
    ------
    ModelError
        If a field is missing or invalid; one line names it.
    """
    if not isinstance(item, Mapping):
        raise ModelError("model card: not a STAC item: it must be a JSON object")
    check_values(item)
    properties = item.get("properties")
    if item.get("type") != "Feature" or not isinstance(properties, Mapping):
        raise ModelError('model card: not a STAC item: "type" must be "Feature" and "properties" an object')
    extensions = item.get("stac_extensions")
    if not isinstance(extensions, list) or not any(re.search(r"/mlm/v1\.\d+\.\d+/", str(url)) for url in extensions):
        raise ModelError(f"model card: stac_extensions does not name the MLM extension 1.x; add {MLM!r}")
    missing = [name for name in _REQUIRED if name not in properties]
    if missing:
        raise ModelError(f"model card: properties lack {', '.join(missing)}, which STAC MLM requires")
    name = str(properties["mlm:name"])[:200]
    tasks = properties["mlm:tasks"]
    task = _TASK if properties.get("geoseg:boxes") is None else BOXES
    if not isinstance(tasks, list) or task not in tasks:
        raise ModelError(f"model card {name!r}: mlm:tasks is {short(tasks)}; geoseg runs {task!r} only")
    check_kinds(item, properties, name)
    several = properties.get("geoseg:inputs")
    sources = _objects(properties, "mlm:input", name) if several else [_only(properties, "mlm:input", name)]
    result = _only(properties, "mlm:output", name)
    for where, holder, key in (
        *(("mlm:input", source, "pre_processing_function") for source in sources),
        ("mlm:output", result, "post_processing_function"),
    ):
        _refuse_code(holder.get(key), f"{where} {key}", name)
    if resized := next((source["resize_type"] for source in sources if source.get("resize_type")), None):
        raise ModelError(
            f"model card {name!r}: resize_type {short(resized)}: geoseg does not resample windows; set it to null"
        )
    fields: dict[str, Any] = {
        "name": properties["mlm:name"],
        "title": properties.get("title") or "",
        "description": properties.get("description") or "",
        "version": str(properties.get("version", "1.0.0")),
        "license": properties.get("license") or "other",
        "architecture": properties["mlm:architecture"],
        "hyperparameters": properties.get("mlm:hyperparameters") or {},
        "classes": _classes(result, name),
        "weights": _weights(item, name),
    }
    if several:
        read = [_bands(item, source, name, common=False) for source in sources]
        scalings = [_value_scaling(source, len(bands), name) for source, bands in zip(sources, read, strict=True)]
        fields |= parse_inputs(_objects(properties, "geoseg:inputs", name), read, scalings, name)
    else:
        fields["bands"] = _bands(item, sources[0], name)
        fields["value_scaling"] = _value_scaling(sources[0], len(fields["bands"]), name)
    own = {key: properties[f"geoseg:{key}"] for key in _OWN if properties.get(f"geoseg:{key}") is not None}
    if not any(key.startswith("geoseg:") for key in properties):
        own = dict(ENCODER_GEOMETRY)
    return fields | own


def _is_model(asset: Mapping[str, Any]) -> bool:
    return _ROLE in (asset.get("roles") or ())


def build(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the item of a card, given as its fields by name; unknown fields of ``item`` are kept."""
    item: dict[str, Any] = copy.deepcopy(card["item"])
    item |= {"type": "Feature", "id": item.get("id", card["name"])}
    item.setdefault("stac_version", "1.1.0")
    item.setdefault("geometry", None)
    item.setdefault("links", [])
    known = item.get("stac_extensions", [])
    item["stac_extensions"] = known or list(EXTENSIONS)
    properties = item.setdefault("properties", {})
    # STAC requires a time, which a model does not have. The extension's examples use this open interval.
    if "datetime" not in properties:
        properties |= {
            "datetime": None,
            "start_datetime": "1900-01-01T00:00:00Z",
            "end_datetime": "9999-12-31T23:59:59Z",
        }
    for key in ("title", "description"):
        if card[key] or key in properties:
            properties[key] = card[key]
    properties |= {
        "version": card["version"],
        "license": card["license"],
        "mlm:name": card["name"],
        "mlm:architecture": card["architecture"],
    }
    tasks = properties.setdefault("mlm:tasks", _output_object(card)["tasks"])
    if card["objects"] is not None and INSTANCES not in tasks:
        properties["mlm:tasks"] = [INSTANCES, *tasks]
    properties.setdefault("mlm:framework", "PyTorch")
    if card["hyperparameters"]:
        properties["mlm:hyperparameters"] = copy.deepcopy(card["hyperparameters"])
    result = _output_object(card)
    classes = result["classification:classes"]
    if card["inputs"]:
        properties["mlm:input"] = input_items(card)
        properties["geoseg:inputs"] = facts_of(card["inputs"])
        if is_change(card["inputs"]) and _CHANGE not in properties["mlm:tasks"]:
            properties["mlm:tasks"] = [_CHANGE, *properties["mlm:tasks"]]
    else:
        properties["mlm:input"] = _overlay(properties.get("mlm:input"), _input_object(card), "bands", "value_scaling")
    properties["mlm:output"] = _overlay(properties.get("mlm:output"), result)
    old = properties["mlm:output"][0].get("classification:classes")
    properties["mlm:output"][0]["classification:classes"] = _merge(old, classes)
    # Left in an exported graph's card, it would be applied twice.
    properties.pop("geoseg:temperature", None)
    for key in _OWN:
        value = card[key]
        if value is not None and value not in ({}, ()):
            properties[f"geoseg:{key}"] = _plain(value)
    _put_weights(item, card)
    _put_bands(item, card)
    return item


def _plain(value: Any) -> Any:
    if isinstance(value, ValuePercentiles | ObjectHeads | BoxHeads):
        return value.to_json()
    return list(value) if isinstance(value, tuple) else copy.deepcopy(value)


def _input_object(card: Mapping[str, Any]) -> dict[str, Any]:
    bands = [band.name for band in card["bands"]]
    scaling = [step and step.to_json() for step in card["value_scaling"]]
    if scaling and all(step == scaling[0] for step in scaling):
        scaling = scaling[:1]
    return {
        "name": "scene",
        "bands": bands,
        "input": {
            "shape": [-1, len(bands), -1, -1],
            "dim_order": ["batch", "bands", "height", "width"],
            "data_type": "float32",
        },
        "value_scaling": scaling if any(scaling) else None,
        "resize_type": None,
        "pre_processing_function": None,
    }


def _output_object(card: Mapping[str, Any]) -> dict[str, Any]:
    classes = [
        {
            "value": c.id,
            "name": _slug(c.name),
            "title": c.name,
            "description": c.name,
            "color_hint": c.color[1:].upper(),
        }
        for c in card["classes"]
    ]
    if card["boxes"] is not None:
        return {
            "name": "detections",
            "tasks": [BOXES, *([INSTANCES] if card["boxes"].masks else [])],
            "result": {"shape": [-1, 6], "dim_order": ["detection", "value"], "data_type": "float32"},
            "classification:classes": classes,
            "post_processing_function": None,
        }
    return {
        "name": "logits",
        "tasks": [_TASK],
        "result": {
            "shape": [-1, len(classes), -1, -1],
            "dim_order": ["batch", "class", "height", "width"],
            "data_type": "float32",
        },
        "classification:classes": classes,
        "post_processing_function": None,
    }


def _only(properties: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    entries = properties[key]
    if not isinstance(entries, list) or len(entries) != 1 or not isinstance(entries[0], Mapping):
        count = len(entries) if isinstance(entries, list) else 0
        raise ModelError(f"model card {name!r}: {key} has {count} entries; geoseg runs models with exactly one")
    return entries[0]


def _objects(properties: Mapping[str, Any], key: str, name: str) -> list[Mapping[str, Any]]:
    entries = properties[key]
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, Mapping) for entry in entries):
        raise ModelError(f"model card {name!r}: {key} must be a list of objects, got {short(entries)}")
    return entries


def _refuse_code(expression: Any, where: str, name: str) -> None:
    """Raise if there is a processing expression: it is code from the model's author, which geoseg never runs."""
    if expression:
        kind = expression.get("format", "?") if isinstance(expression, Mapping) else "?"
        raise ModelError(
            f"model card {name!r}: {where} is a processing expression of type {short(kind)}, which is code that "
            "geoseg never runs; express it as value_scaling or build it into the model"
        )


def _bands(
    item: Mapping[str, Any], source: Mapping[str, Any], name: str, *, common: bool = True
) -> list[dict[str, Any]]:
    described = _described_bands(item)
    bands = []
    entries = source.get("bands")
    if not isinstance(entries, list) or not entries:
        raise ModelError(f"model card {name!r}: mlm:input names no bands")
    for entry in entries:
        if isinstance(entry, Mapping):
            if entry.get("expression"):
                _refuse_code(entry, f"band {short(entry.get('name'))}", name)
            entry = entry.get("name")  # noqa: PLW2901
        if not isinstance(entry, str):
            raise ModelError(f"model card {name!r}: mlm:input bands must be names, got {short(entry)}")
        about = described.get(entry, {})
        bands.append(
            {
                "name": entry,
                "scale": about.get("raster:scale", about.get("scale", 1.0)),
                "offset": about.get("raster:offset", about.get("offset", 0.0)),
            }
        )
    if not common:
        return bands
    # Scenes are matched by common names, unless they are ambiguous: Sentinel-2 has three bands called "rededge".
    aliases = [
        str(about.get("eo:common_name") or about.get("common_name") or b["name"])
        for b in bands
        for about in (described.get(b["name"], {}),)
    ]
    if len(set(aliases)) == len(aliases):
        bands = [band | {"name": alias} for band, alias in zip(bands, aliases, strict=True)]
    return bands


def _described_bands(item: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the band objects by name from all places where STAC 1.0 and 1.1 put them."""
    holders: list[Any] = [item["properties"], *assets_of(item).values()]
    described: dict[str, dict[str, Any]] = {}
    for holder in holders:
        for key in ("bands", "eo:bands", "raster:bands"):
            entries = holder.get(key)
            for band in entries if isinstance(entries, list) else ():
                if isinstance(band, Mapping) and isinstance(band.get("name"), str):
                    described.setdefault(band["name"], {}).update(band)
    return described


def _value_scaling(source: Mapping[str, Any], bands: int, name: str) -> list[Any]:
    steps = source.get("value_scaling")
    if steps is None:
        return []
    if not isinstance(steps, list):
        raise ModelError(f"model card {name!r}: value_scaling must be a list of objects or null")
    for step in steps:
        if isinstance(step, Mapping) and step.get("type") == "processing":
            _refuse_code({"format": step.get("format", "?")}, "value_scaling", name)
    return steps * bands if len(steps) == 1 else steps


def _classes(result: Mapping[str, Any], name: str) -> list[MapClass]:
    entries = result.get("classification:classes")
    if not isinstance(entries, list) or not entries:
        raise ModelError(f"model card {name!r}: mlm:output has no classification:classes")
    classes = []
    for entry in entries:
        number = entry.get("value") if isinstance(entry, Mapping) else None
        if not isinstance(number, int) or isinstance(number, bool):
            raise ModelError(
                f"model card {name!r}: a class of classification:classes has no whole-number value: {short(entry)}"
            )
        label = entry.get("title") or entry.get("name") or f"class {number}"
        if not isinstance(label, str):
            raise ModelError(f"model card {name!r}: the name of class {number} must be text, got {short(label)}")
        color = f"#{entry['color_hint']}" if entry.get("color_hint") else default_color(number)
        try:
            classes.append(MapClass(number, label, color.lower()))
        except GeosegError as error:
            raise ModelError(f"model card {name!r}: {error}") from None
    return classes


def _weights(item: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    models = [asset for asset in assets_of(item).values() if _is_model(asset)]
    if not models:
        raise ModelError(f"model card {name!r}: no asset has the role {_ROLE!r}")
    files = [asset for asset in models if "code" not in asset["roles"]]
    if len(files) > 1:
        # Several formats of the same weights: prefer safetensors.
        files = [asset for asset in files if str(asset.get("href", "")).endswith(".safetensors")][:1] or files[:1]
    if not files:
        return None
    return {
        "href": files[0].get("href", ""),
        "size": files[0].get("file:size"),
        "checksum": files[0].get("file:checksum"),
    }


def _put_weights(item: dict[str, Any], card: Mapping[str, Any]) -> None:
    assets = item.setdefault("assets", {})
    models = {key: asset for key, asset in assets.items() if _is_model(asset)}
    if card["weights"] is None:
        if not models:
            assets["code"] = {
                "href": "https://github.com/geoseg/geoseg",
                "title": "The model is code of geoseg",
                "type": "text/html",
                "roles": [_ROLE, "code"],
                "mlm:artifact_type": "geoseg",
            }
        return
    key = next((key for key, asset in models.items() if asset.get("href") == card["weights"].href), "weights")
    for other, asset in models.items():
        if "code" in asset["roles"]:
            del assets[other]
    asset = assets.setdefault(key, {})
    asset |= {"href": card["weights"].href}
    asset.setdefault("title", "Weights")
    asset.setdefault("type", "application/octet-stream")
    asset.setdefault("roles", [_ROLE, "mlm:weights"])
    asset.setdefault("mlm:artifact_type", "safetensors")
    if card["weights"].size is not None:
        asset["file:size"] = card["weights"].size
    if card["weights"].checksum is not None:
        asset["file:checksum"] = card["weights"].checksum


def _put_bands(item: dict[str, Any], card: Mapping[str, Any]) -> None:
    """Describe the bands on the model's assets, where MLM expects the bands that the input names."""
    bands = described_bands(card)
    raster = [{"name": name, "scale": band.scale, "offset": band.offset} for name, _, band in bands]
    eo = [{"name": name} | ({"common_name": plain} if plain in _COMMON else {}) for name, plain, _ in bands]
    for asset in item["assets"].values():
        if _is_model(asset):
            asset["raster:bands"] = _merge(_described_alike(asset.get("raster:bands"), raster), raster)
            asset["eo:bands"] = _merge(_described_alike(asset.get("eo:bands"), eo), eo)


def _described_alike(old: Any, new: list[dict[str, Any]]) -> Any:
    """Return the old band objects, without what describes a band of another name."""
    if not isinstance(old, list) or len(old) != len(new) or not all(isinstance(entry, Mapping) for entry in old):
        return old
    common = [entry.get("common_name") for entry in old]
    return [
        entry if fresh["name"] in (entry.get("name"), alias) or alias is None else {}
        for entry, fresh, alias in zip(old, new, common, strict=True)
    ]


def _overlay(old: Any, new: dict[str, Any], *always: str) -> list[dict[str, Any]]:
    """Fill gaps of the existing object with ``new``; the keys in ``always`` replace existing ones."""
    base = dict(old[0]) if isinstance(old, list) and old else {}
    return [new | base | {key: new[key] for key in always}]


def _merge(old: Any, new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Merge ``new`` entries into ``old`` ones if their number is equal, keeping fields that geoseg does not know."""
    if not isinstance(old, list) or len(old) != len(new) or not all(isinstance(entry, Mapping) for entry in old):
        return new
    return [dict(entry) | fresh for entry, fresh in zip(old, new, strict=True)]


def _slug(name: str) -> str:
    """Return a class name in the characters the classification extension allows: letters, digits, ``-`` and ``_``."""
    return re.sub(r"[^0-9A-Za-z_-]+", "-", name).strip("-") or "class"
