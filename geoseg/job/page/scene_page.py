"""``NAME_report.html``: what ``NAME_report.json`` says, with maps, for people; one file that loads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import OutputError
from geoseg.job.page.pictures import Pictures, Place, shares_of
from geoseg.progress.reporters import format_seconds
from geoseg.raster.clouds.report import clouds_text
from geoseg.write.html.charts import Bar, bars, histogram
from geoseg.write.html.element import Html, element, pairs, swatch, table
from geoseg.write.html.page import captioned, figures, how_to_cite, messages, page, section, write_page
from geoseg.write.html.viewer import map_figure

if TYPE_CHECKING:
    from geoseg.models import ModelCard
    from geoseg.raster import Raster

_STAGES = {
    "segment": "segment",
    "write": "write the rasters",
    "polygonize": "polygonize",
    "preview": "preview picture",
    "html": "this page",
}


def write_scene_page(
    path: Path, report: Mapping[str, Any], card: ModelCard, raster: Raster, pictures: Pictures
) -> None:
    """Write the page of one scene.

    Parameters
    ----------
    path
        The file; it may exist.
    report
        Content of ``NAME_report.json``.
    card, raster
        The model's card, and the scene.
    pictures
        See :mod:`geoseg.job.page.pictures`.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    text = scene_page(report, card, raster, pictures)
    try:
        write_page(path, text)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}; free some space or choose another folder with -o"
        ) from error


def scene_page(report: Mapping[str, Any], card: ModelCard, raster: Raster, pictures: Pictures) -> str:
    """Return the page of one scene as HTML; see :func:`write_scene_page`."""
    objects = "objects" in report
    scene, classes = report["scene"], report["classes"]
    title = f"{scene['name']}: {'objects' if objects else 'classes'} by model {card.name}"
    sides = f"{scene['width']:,} × {scene['height']:,} px"
    numbers: list[tuple[str, str]] = [("scene", sides)]
    if objects:
        numbers.append(("objects", f"{report['objects']:,}"))
    elif polygons := sum(facts.get("polygons", 0) for facts in classes.values()):
        numbers.append(("polygons", f"{polygons:,}"))
    if pictures.histogram and sum(pictures.histogram):
        total = sum(pictures.histogram)
        mean = sum(percent * count for percent, count in enumerate(pictures.histogram)) / total
        numbers.append(("mean confidence", f"{mean:.0f} %"))
    numbers += [("time", _seconds(report["seconds"]["total"])), ("model", f"{card.name} {card.version}")]
    warnings = list(report["warnings"])
    if failed := report.get("failed_blocks"):
        warnings.insert(0, f"{len(failed)} blocks failed and are nodata; run the same command again to compute them")
    kinds = "Objects" if objects else "Classes"
    over = ", ".join(layer.name for layer in pictures.layers)
    return page(
        title,
        figures(numbers),
        messages("warning", warnings),
        section(
            "Map",
            map_figure(
                pictures.view, pictures.scene, f"The scene {scene['name']} at reduced size, below its {over}",
                pictures.layers, opacity=100 if objects else 80,
            ),
        ),
        section(kinds, _classes(classes, objects=objects)),
        _confidence(pictures),
        _uncertain(pictures, raster),
        section("Run", _run(report), messages("note", list(raster.notes))),
        section("Model card", _card(card)),
        _cite(card, scene),
        script=True,
    )  # fmt: skip


def _classes(classes: Mapping[str, Mapping[str, Any]], *, objects: bool) -> Html:
    """Return a chart and a table of the classes: areas, or pixels where there are none."""
    key = "objects" if objects else "area_m2" if any("area_m2" in facts for facts in classes.values()) else "pixels"
    total = sum(facts.get(key, 0) for facts in classes.values()) or 1
    ordered = sorted(classes.items(), key=lambda entry: -entry[1].get(key, 0))
    label = {"objects": "objects", "area_m2": "area", "pixels": "pixels"}[key]
    rows = [
        Bar(name, facts.get(key, 0), f"{_amount(facts.get(key, 0), key)}, {100 * facts.get(key, 0) / total:.1f} %",
            facts["color"])
        for name, facts in ordered
    ]  # fmt: skip
    columns = {
        "objects": "objects", "cut": "at the edge", "per_km2": "per km²", "area_m2": "area", "pixels": "pixels",
        "polygons": "polygons",
    }  # fmt: skip
    shown = [name for name in columns if any(name in facts for facts in classes.values())]
    cells = [
        [[swatch(facts["color"]), name], *(_amount(facts.get(column), column) for column in shown)]
        for name, facts in ordered
    ]
    title = f"{label.capitalize()} of each class"
    values = table("Numbers of each class", ["class", *(columns[name] for name in shown)], cells)
    return element("div", captioned(bars(title, rows), title), values, class_="columns")


def _amount(value: float | None, kind: str) -> str:
    if value is None:
        return "–"
    if kind != "area_m2":
        return f"{value:,}"
    if value >= 1e6:
        return f"{value / 1e6:,.3f} km²"
    return f"{value / 1e4:,.2f} ha" if value >= 1e4 else f"{value:,.0f} m²"


def _confidence(pictures: Pictures) -> Html | None:
    counts = pictures.histogram
    total = sum(counts)
    if not total:
        return None
    below = 100 * sum(counts[:50]) / total
    part = (
        "every pixel" if pictures.counted > 0.999 else f"tiles spread evenly over {100 * pictures.counted:.2g} % of it"
    )
    label = f"Histogram of confidence; {below:.1f} % of the pixels are less than 50 % sure"
    note = (
        f"Percent of the winning class, of {part}. {below:.1f} % of the pixels are less than 50 % sure. Confidence is "
        "the model's own belief, not its accuracy: geoseg evaluate measures that."
    )
    return section("Confidence", captioned(histogram(label, counts), note))


def _uncertain(pictures: Pictures, raster: Raster) -> Html | None:
    if not pictures.places:
        return None
    figures = [_figure(number, place, pictures.step, raster) for number, place in enumerate(pictures.places, start=1)]
    text = (
        "The scene and its classes where the mean confidence is lowest: look here first. geoseg next proposes labels."
    )
    return section("Least certain places", element("p", text), element("div", figures, class_="places"))


def _figure(number: int, place: Place, step: int, raster: Raster) -> Html:
    row, col = place.box.row + place.box.height / 2, place.box.col + place.box.width / 2
    where = _where(raster, row, col)
    kinds = shares_of(place)
    pair = element(
        "div",
        element("img", src=place.scene, alt=f"Scene at place {number}"),
        element("img", src=place.classes, alt=f"Classes at place {number}"),
        class_="pair",
    )
    button = element("button", "show", type="button", data_place=f"{col / step:.1f} {row / step:.1f}",
                     aria_label=f"show place {number} on the map")  # fmt: skip
    sure = element("b", f"{number}. {place.confidence:.0f}\u00a0% sure")
    size = f"{place.box.width} × {place.box.height} px"
    return element(
        "figure", pair, element("figcaption", sure, ": ", kinds, element("br"), where, ", ", size, " ", button)
    )


def _where(raster: Raster, row: float, col: float) -> str:
    """Return a place in latitude and longitude where that is known, else in the scene's coordinates."""
    from geoseg.geodesy.crs import on_earth, transformer

    x, y = raster.transform * (col, row)
    if raster.grid.crs is None:
        return f"row {row:.0f}, column {col:.0f}"
    if on_earth(raster.grid.crs):
        try:
            lon, lat = transformer(raster.grid.crs, "EPSG:4326", raster.name).transform(x, y)
        except Exception:  # noqa: BLE001 - the scene's own coordinates are right, too
            return f"{x:,.1f}, {y:,.1f}"
        return f"{abs(lat):.5f}° {'N' if lat >= 0 else 'S'}, {abs(lon):.5f}° {'E' if lon >= 0 else 'W'}"
    return f"{x:,.1f}, {y:,.1f}"


def _run(report: Mapping[str, Any]) -> Html:
    scene, execution, tiling = report["scene"], report["execution"], report["tiling"]
    seconds = report["seconds"]
    stages = [(text, seconds[name]) for name, text in _STAGES.items() if name in seconds]
    rest = seconds["total"] - sum(value for _, value in stages)
    if rest > 0.05 * seconds["total"]:
        stages.append(("open, plan, other", rest))
    title = "Seconds per stage"
    chart = captioned(bars(title, [Bar(text, value, _seconds(value)) for text, value in stages]), title)
    rates = report.get("rates", {}).get("segment", {})
    rows, cols = tiling["window"]
    facts = pairs(
        [
            ("files", ", ".join(_file_name(source) for source in scene["sources"])),
            ("bands", ", ".join(scene["bands"])),
            ("grid", _grid(scene)),
            ("clouds", clouds_text(report.get("clouds", ()))),
            ("device", f"{execution['device']}, {execution['runtime']}, {execution['precision']}"),
            ("why", execution["reason"]),
            ("windows", f"{tiling.get('windows', 0):,} of up to {cols} × {rows} px, margin {tiling['margin']} px"),
            ("blocks", f"{tiling['blocks']:,}, of which {tiling['blocks_reused']:,} were there from an earlier run"),
            ("rate", f"{rates['mpx_per_s']:.2f} Mpx/s while segmenting" if "mpx_per_s" in rates else ""),
            ("versions", ", ".join(f"{name} {text}" for name, text in report["versions"].items())),
        ]
    )
    return element("div", facts, chart, class_="columns")


def _seconds(value: float) -> str:
    return f"{value:.2g} s" if value < 10 else format_seconds(value)


def _grid(scene: Mapping[str, Any]) -> str:
    width, height = abs(scene["transform"][0]), abs(scene["transform"][4])
    name = scene["crs"] or "no CRS"
    return f"{name if len(name) < 60 else 'own CRS'}, pixel {width:.6g} × {height:.6g}"


def _file_name(source: str) -> str:
    """Return the last part of a path or address: pages are passed on, and addresses may carry signatures."""
    return source.partition("?")[0].replace("\\", "/").rstrip("/").rpartition("/")[2] or "scene"


def _card(card: ModelCard) -> Html:
    """Return the card; its scores, which may be many, can be opened."""
    entries = card.entries()
    facts = pairs([("name", f"{card.name}: {card.title}"), *((k, text) for k, text in entries if k != "metrics")])
    scores = [("", text) for label, text in entries if label == "metrics"]
    details = element("details", element("summary", "Measured scores"), pairs(scores)) if scores else None
    return element("div", facts, details)


def _cite(card: ModelCard, scene: Mapping[str, Any]) -> Html:
    model = f"Model {card.title or card.name} ({card.name}), version {card.version}, licence {card.license}."
    return how_to_cite(model, *card.attribution, f"Scene {scene['name']}: name its provider, as its licence asks.")
