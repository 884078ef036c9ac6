"""The map of a page: pictures of one size on top of each other, that can be moved, zoomed and switched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from geoseg.write.html.element import Child, Html, element, swatch

_KEYS = "Drag, or use the arrow keys, plus, minus and 0. The wheel zooms while the map has the focus, or with Ctrl."


@dataclass(frozen=True)
class Layer:
    """A picture over the scene.

    Attributes
    ----------
    name
        What it is called in the list of layers.
    picture
        Its ``data:`` address.
    text
        What it shows, for those who do not see it.
    legend
        Below the map while it is shown.
    """

    name: str
    picture: str
    text: str
    legend: Html


@dataclass(frozen=True)
class View:
    """Size and scale of the pictures.

    Attributes
    ----------
    height, width
        Size on the screen at scale 1, in pixels.
    size, unit
        Length of such a pixel, and its unit: ``"m"`` or ``"px"`` of the scene.
    """

    height: int
    width: int
    size: float
    unit: str


def map_figure(view: View, scene: str, scene_text: str, layers: Sequence[Layer], *, opacity: int = 70) -> Html:
    """Return the map.

    Parameters
    ----------
    view
        Size and scale.
    scene, scene_text
        The picture below the layers, and what it shows.
    layers
        The first one is shown at first; there may be none.
    opacity
        Of the layer at first, in percent.
    """
    images = [element("img", src=scene, alt=scene_text, data_smooth=True)]
    images += [element("img", src=layer.picture, alt=layer.text, data_layer=str(k)) for k, layer in enumerate(layers)]
    stage = element("div", images, class_="stage", style=f"width:100%;aspect-ratio:{view.width}/{view.height}")
    bar = element("div", element("i"), element("span"), class_="scalebar", aria_hidden="true")
    panel = element(
        "div", stage, bar, class_="map", tabindex="0", role="group", aria_label=f"Map. {_KEYS}", data_width=view.width,
        data_height=view.height, data_metres=f"{view.size:.6g}", data_unit=view.unit,
        style=f"--aspect:{view.width}/{view.height}",
    )  # fmt: skip
    legends = [element("div", layer.legend, data_legend=str(k)) for k, layer in enumerate(layers)]
    return element("figure", _controls(layers, opacity), panel, legends, element("figcaption", _KEYS))


def _controls(layers: Sequence[Layer], opacity: int) -> Html:
    buttons = [
        element("button", sign, type="button", data_act=act, aria_label=label)
        for act, sign, label in (
            ("in", "+", "zoom in"),
            ("out", "−", "zoom out"),
            ("fit", "whole", "show the whole map"),
        )
    ]
    choices = [
        element("label", element("input", type="radio", name="layer", value=str(k), checked=k == 0), layer.name)
        for k, layer in enumerate(layers)
    ]
    if not layers:
        return element("div", buttons, class_="bar")
    choices.append(element("label", element("input", type="radio", name="layer", value=""), "scene only"))
    slider = element("input", type="range", min="0", max="100", step="5", value=str(opacity), name="opacity")
    return element(
        "div",
        buttons,
        element("fieldset", element("legend", "show"), choices),
        element("label", "opacity", slider),
        class_="bar",
    )


def class_legend(entries: Sequence[tuple[str, Child]]) -> Html:
    """Return a legend of colours and what they stand for."""
    return element("ul", [element("li", swatch(color), text) for color, text in entries], class_="legend")
