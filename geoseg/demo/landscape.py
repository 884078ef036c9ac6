"""The landscape of the demo scene: the class and surface of each pixel, before illumination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from geoseg.demo.noise import blur, fractal, scatter, smooth
from geoseg.demo.spectra import FIRST, SHARES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geoseg.demo.noise import Field

    Mask = NDArray[np.bool_]
    Points = NDArray[np.float64]

TREE, GRASS, CROP, BUILT, BARE, WATER = range(6)

_CROPS = 0.86
"""Share of the parcels with crops; the others are grass."""

_STAND = 24
"""Distance of the centres of forest stands, in pixels."""

# Patches of which there is one each.
_RIVER, _LAKE, _POND, _GROVE, _BAR, _SHORE, _CREST, _SCREE, _ROAD = range(1, 10)


@dataclass
class Landscape:
    """Layers of a square scene; later paint covers earlier paint.

    Attributes
    ----------
    classes
        True class of each pixel, uint8.
    surface
        Row of the pixel's surface in :data:`geoseg.demo.spectra.REFLECTANCE`, uint8.
    patch
        Number of the field, stand, house or other patch of one kind that the pixel belongs to, int32.
    height
        Terrain height in units of its standard deviation.
    """

    classes: NDArray[np.uint8]
    surface: NDArray[np.uint8]
    patch: NDArray[np.int32]
    height: Field

    def paint(self, where: Mask, class_id: int, patch: NDArray[np.int32] | int, surface: int | None = None) -> None:
        """Set the class of pixels and the patches they belong to.

        Parameters
        ----------
        where
            The pixels.
        class_id
            Their class.
        patch
            Number of each pixel's patch, or of the one patch that all belong to.
        surface
            Number of the class's surface, 0 the greenest; drawn for each patch, as often as it really occurs, if None.
        """
        own = np.asarray(patch, np.int32)
        own = own[where] if own.ndim else np.full(np.count_nonzero(where), own)
        self.classes[where] = class_id
        self.patch[where] = own
        if surface is None:
            limits = np.cumsum(SHARES[class_id])[:-1].astype(np.float32)
            drawn = np.searchsorted(limits, scatter(own, salt=40 + class_id), side="right").astype(np.uint8)
            self.surface[where] = FIRST[class_id] + drawn
        else:
            self.surface[where] = FIRST[class_id] + surface


def make_landscape(size: int, rng: np.random.Generator) -> Landscape:
    """Return a river plain between wooded hills, farmed, with a town, villages, roads, a lake and a quarry."""
    height = fractal(rng, size, size / 2.2, 12, 0.5)
    land = Landscape(
        classes=np.zeros((size, size), np.uint8),
        surface=np.zeros((size, size), np.uint8),
        patch=np.zeros((size, size), np.int32),
        height=height,
    )
    river = _main_river(size, rng)
    banks = _near_line(size, river, size * 0.2)
    height -= np.float32(1.1) * banks  # the river lies in its valley
    town = river[len(river) * 6 // 10] + np.array([size * 0.11, -size * 0.035])
    _grow_fields(land, rng)
    _grow_forest(land, rng, banks)
    _lay_water(land, rng, river)
    _dig_quarry(land, rng)
    _build(land, rng, river, town)
    return land


def _grow_fields(land: Landscape, rng: np.random.Generator) -> None:
    """Lay out parcels in blocks, each block with its own direction and field size."""
    size = land.classes.shape[0]
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    xx += 7 * smooth(rng, size, 170)
    yy += 7 * smooth(rng, size, 170)
    block = _nearest(xx, yy, rng, size, spacing=max(150.0, size / 11))
    angle = scatter(block, salt=1) * np.float32(np.pi)
    along = xx * np.cos(angle) + yy * np.sin(angle)
    across = yy * np.cos(angle) - xx * np.sin(angle)
    wide, long = 16 + 30 * scatter(block, salt=2), 30 + 50 * scatter(block, salt=3)
    v, u = across / wide, along / long
    strip = np.floor(v)
    lane = _numbers(block, strip, salt=4)
    u += scatter(lane, salt=13)  # parcels of adjacent strips are not aligned
    row = np.floor(u)
    u -= row
    v -= strip
    parcel = _numbers(lane, row, salt=5)
    # Some parcels are divided into two to four narrow strips.
    parts = np.floor(1 + 3.2 * scatter(parcel, salt=6) ** 2)
    piece = np.floor(v * parts)
    parcel = _numbers(parcel, piece, salt=7)
    edge = np.minimum(
        np.minimum(u, 1 - u) * long, np.minimum(v, 1 - v) * wide
    )  # distance to the parcel's border in pixels

    crops = scatter(parcel, salt=8) < _CROPS
    land.paint(crops, CROP, parcel)
    land.paint(~crops, GRASS, parcel)
    hedge = (edge < 0.7) & (scatter(lane, salt=11) < 0.30)
    hedge &= smooth(rng, size, 9) > -1.1
    land.paint(hedge, TREE, lane)
    track = (edge < 0.55) & ~hedge & (scatter(block, row, salt=12) < 0.22)
    land.paint(track, GRASS, lane)


def _numbers(first: NDArray[np.int32], second: Field, salt: int) -> NDArray[np.int32]:
    """Hash pairs of numbers to one number each."""
    return (scatter(first, second, salt=salt) * 2**24).astype(np.int32)


def _nearest(xx: Field, yy: Field, rng: np.random.Generator, size: int, spacing: float) -> NDArray[np.int32]:
    """Return the index of the nearest of random points, one in each cell of a grid."""
    count = int(size / spacing) + 5
    points = (np.indices((count, count)).astype(np.float32) - 1.5 + rng.random((2, count, count))) * spacing
    home_y, home_x = (np.floor(axis / spacing).astype(np.int32) for axis in (yy, xx))
    best, number = np.full(xx.shape, np.inf, np.float32), np.zeros(xx.shape, np.int32)
    for down in (1, 2, 3):
        for right in (1, 2, 3):
            row, col = np.clip(home_y + down, 0, count - 1), np.clip(home_x + right, 0, count - 1)
            place = row * count + col
            distance = (np.take(points[0].ravel(), place).astype(np.float32) - yy) ** 2
            distance += (np.take(points[1].ravel(), place).astype(np.float32) - xx) ** 2
            closer = distance < best
            np.copyto(best, distance, where=closer)
            np.copyto(number, place, where=closer)
    return number


def _grow_forest(land: Landscape, rng: np.random.Generator, banks: Field) -> None:
    """Grow forest on high ground, with heath around it and clearings in it."""
    size = land.classes.shape[0]
    wood = np.float32(0.75) * land.height + np.float32(0.75) * fractal(rng, size, size / 9, 5, 0.6)
    wood -= np.float32(0.25) * banks
    edge = 0.72
    yy, xx = np.mgrid[:size, :size].astype(np.float32)
    xx += 6 * smooth(rng, size, 14)
    stand = _nearest(xx, yy, rng, size, spacing=_STAND)
    heath = (wood > edge - 0.16) & (smooth(rng, size, 120) > 0.15)
    land.paint(heath, GRASS, stand)
    forest = wood > edge
    land.paint(forest, TREE, stand)
    clearing = forest & (fractal(rng, size, 46, 8, 0.5) > 1.9)
    land.paint(clearing, GRASS, stand)


def _lay_water(land: Landscape, rng: np.random.Generator, river: Points) -> None:
    """Add the main river, its tributaries and a lake, with gravel bars and trees along the banks."""
    size = land.classes.shape[0]
    unit = size / 2000
    courses = [(river, 5 * unit, 15 * unit)]
    for place, side, length in ((0.22, 1, 0.55), (0.42, -1, 0.5), (0.68, 1, 0.6), (0.83, -1, 0.35)):
        mouth = river[int(place * (len(river) - 1))]
        course = _tributary(size, rng, mouth, side, length)
        courses.append((course, 1.1, 1.2 + 4.5 * unit))
        twig = course[len(course) // 2]
        courses.append((_tributary(size, rng, twig, -side, length / 3), 0.9, 1.9))
    water = _strokes(size, courses)
    near = _strokes(size, [(line, first + 4 * unit + 2, last + 7 * unit + 2) for line, first, last in courses])
    grove = near & (fractal(rng, size, 40, 5, 0.6) > -0.1)
    land.paint(grove, TREE, _GROVE)
    bar = _strokes(size, [(river + np.array([3, 2]) * unit, 6 * unit, 17 * unit)]) & (smooth(rng, size, 42 * unit) > 1)
    land.paint(bar, BARE, _BAR)
    yy, xx = np.mgrid[:size, :size].astype(np.float32) / size
    lake = np.hypot((xx - 0.235) / 0.075, (yy - 0.30) / 0.052) + 0.20 * fractal(rng, size, size / 14, 6, 0.5)
    shore = (lake < 1.13) & (lake > 1)
    land.paint(shore, GRASS, _SHORE)
    land.paint(water, WATER, _RIVER)
    land.paint(lake < 1, WATER, _LAKE)


def _dig_quarry(land: Landscape, rng: np.random.Generator) -> None:
    """Add a quarry with benches and a pond, and scree on the highest ground."""
    size = land.classes.shape[0]
    yy, xx = np.mgrid[:size, :size].astype(np.float32) / size
    u, v = np.abs((xx - 0.80) + 0.5 * (yy - 0.235)) / 0.034, np.abs((yy - 0.235) - 0.4 * (xx - 0.80)) / 0.026
    # A superellipse: between a circle and a rectangle, with straight faces.
    pit = (u**4 + v**4) ** np.float32(0.25) + np.float32(0.30) * fractal(rng, size, size / 22, 6, 0.45)
    benches = np.floor(pit * 3 * np.pi).astype(np.int32)
    land.paint(pit < 1, BARE, benches)
    land.paint(pit < 0.25, WATER, _POND)
    dry = land.classes != WATER
    top = land.height + np.float32(0.30) * fractal(rng, size, 48, 3, 0.75)
    crest = dry & (top > np.quantile(top[::8, ::8], 0.982))
    land.paint(crest, GRASS, _CREST)
    scree = dry & (top > np.quantile(top[::8, ::8], 0.991))
    land.paint(scree, BARE, _SCREE)


def _build(land: Landscape, rng: np.random.Generator, river: Points, town: Points) -> None:
    """Add the town with its industry, villages, and the roads between them."""
    size = land.classes.shape[0]
    unit = size / 2000
    villages = np.array([[0.16, 0.62], [0.40, 0.13], [0.56, 0.86], [0.86, 0.52], [0.30, 0.86], [0.66, 0.30]]) * size
    villages += rng.uniform(-0.03, 0.03, villages.shape) * size
    water = land.classes == WATER
    ends = np.array([[0, 0.72], [1, 0.36], [0.46, 1], [0.62, 0]]) * size
    main = [_road(rng, town, end, 0.05) for end in ends]
    small = [_road(rng, town, village, 0.10) for village in villages]
    small += [_road(rng, a, b, 0.12) for a, b in zip(villages, np.roll(villages, 2, axis=0), strict=True)]
    _settle(land, rng, town, 155 * unit, streets=11, density=0.80)
    for number, village in enumerate(villages):
        _settle(land, rng, village, (26 + 8 * (number % 3)) * unit + 6, streets=8, density=0.55)
    _works(land, rng, town + np.array([150, 70]) * unit, 55 * unit)
    minor = _strokes(size, [(line, 0.6, 0.6) for line in small])
    land.paint(minor & ~water, BUILT, _ROAD)
    land.paint(_strokes(size, [(line, 1.5, 1.5) for line in main]), BUILT, _ROAD)
    bridges = minor & water & _strokes(size, [(river, 5 * unit, 15 * unit)])
    land.paint(bridges, BUILT, _ROAD)


def _settle(
    land: Landscape, rng: np.random.Generator, centre: Points, radius: float, *, streets: int, density: float
) -> None:
    """Add a rotated grid of streets with houses and gardens, denser towards the centre, and some parks."""
    size = land.classes.shape[0]
    reach = int(1.7 * radius) + 4
    top, left = (int(np.clip(value - reach, 0, size - 1)) for value in (centre[1], centre[0]))
    box = slice(top, min(top + 2 * reach, size)), slice(left, min(left + 2 * reach, size))
    yy, xx = (axis.astype(np.float32) for axis in np.mgrid[box])
    ragged = fractal(rng, max(xx.shape), max(radius / 2.5, 9), 5, 0.5)[: xx.shape[0], : xx.shape[1]]
    away = np.hypot(xx - centre[0], yy - centre[1]) / np.float32(radius) + np.float32(0.30) * ragged
    angle = rng.uniform(0, np.pi)
    u = xx * np.cos(angle) + yy * np.sin(angle) + 2 * ragged
    v = yy * np.cos(angle) - xx * np.sin(angle)
    inside = (away < 1) & (land.classes[box] != WATER)
    street = (np.mod(u, streets) < 1) | (np.mod(v, streets * 1.6) < 1)
    quarter = (np.floor(u / streets).astype(np.int32), np.floor(v / (streets * 1.6)).astype(np.int32))
    block = _numbers(*quarter, salt=25)
    house = _numbers(np.floor(u / 2).astype(np.int32), np.floor(v / 2), salt=21)
    green = 0.55 * away + scatter(house, salt=26) > 0.35 + density  # gardens as large as houses, mostly at the edge
    park = (scatter(*quarter, salt=22) < 0.055) & ~street
    roof = scatter(*quarter, salt=23)
    spots = _View(land, box)
    spots.paint(inside, BUILT, house)
    spots.paint(inside & green, BUILT, house, 0)
    spots.paint(inside & street, BUILT, block)
    spots.paint(inside & park & (roof < 0.5), GRASS, block)
    spots.paint(inside & park & (roof >= 0.5), TREE, block)


def _works(land: Landscape, rng: np.random.Generator, centre: Points, radius: float) -> None:
    """Add halls and yards at the edge of the town."""
    size = land.classes.shape[0]
    image, yards = Image.new("L", (size, size)), Image.new("L", (size, size))
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for place in rng.uniform(-radius, radius, (16, 2)):
        half = rng.uniform((0.08, 0.05), (0.24, 0.13)) * radius + 1
        for target, grow in ((yards, 3.0), (image, 0.0)):
            corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (half + grow) + place
            shape = [tuple(point) for point in (corners @ turn.T + centre).tolist()]
            ImageDraw.Draw(target).polygon(shape, fill=int(rng.integers(1, 256)))
    halls, yard = np.asarray(image).astype(np.int32), np.asarray(yards) > 0
    dry = land.classes != WATER
    land.paint(yard & dry, BUILT, _ROAD)
    land.paint((halls > 0) & dry, BUILT, halls)


class _View:
    """A part of a landscape that is painted like the whole."""

    def __init__(self, land: Landscape, box: tuple[slice, slice]) -> None:
        self.part = Landscape(land.classes[box], land.surface[box], land.patch[box], land.height[box])
        self.paint = self.part.paint


def _main_river(size: int, rng: np.random.Generator) -> Points:
    """Return points ``(x, y)`` from the upper to the lower edge; meanders grow downstream."""
    t = np.linspace(-0.02, 1.02, 900)
    phase = rng.uniform(0, 2 * np.pi, 4)
    x = 0.56 - 0.14 * t + 0.10 * np.sin(3.1 * t + phase[0]) + 0.028 * np.sin(13 * t + phase[1])
    x += (0.010 + 0.016 * t) * np.sin(41 * t + phase[2]) + 0.006 * np.sin(97 * t + phase[3])
    y = t + 0.012 * np.sin(53 * t + phase[3])
    return np.stack([x, y], axis=1) * size


def _tributary(size: int, rng: np.random.Generator, mouth: Points, side: int, length: float) -> Points:
    """Return a stream from the hills to its mouth."""
    t = np.linspace(1, 0, 300)
    phase = rng.uniform(0, 2 * np.pi, 3)
    x = side * length * t
    y = -0.55 * length * t**1.2
    sway = np.minimum(t * 4, 1) * min(length / 0.5, 1)
    y = y + sway * (0.018 * np.sin(17 * t + phase[0]) + 0.007 * np.sin(51 * t + phase[1]))
    x = x + sway * 0.008 * np.sin(43 * t + phase[2])
    return np.stack([x, y], axis=1) * size + mouth


def _road(rng: np.random.Generator, start: Points, end: Points, sway: float) -> Points:
    """Return a road with a few gentle bends."""
    t = np.linspace(0, 1, 120)[:, None]
    along = end - start
    aside = np.array([-along[1], along[0]])
    bends = sway * rng.uniform(-1, 1) * np.sin(np.pi * t) + 0.35 * sway * rng.uniform(-1, 1) * np.sin(3 * np.pi * t)
    return start + along * t + aside * bends


def _strokes(size: int, lines: Sequence[tuple[Points, float, float]]) -> Mask:
    """Rasterize lines whose width in pixels changes from one value to another, at twice the resolution."""
    image = Image.new("L", (2 * size, 2 * size))
    draw = ImageDraw.Draw(image)
    for points, first, last in lines:
        widths = np.linspace(first, last, len(points))
        for (x0, y0), (x1, y1), width in zip(2 * points[:-1], 2 * points[1:], 2 * widths[:-1], strict=True):
            draw.line((x0, y0, x1, y1), fill=255, width=max(round(width), 1))
            if width > 3:
                draw.ellipse((x1 - width / 2, y1 - width / 2, x1 + width / 2, y1 + width / 2), fill=255)
    return np.asarray(image.resize((size, size), Image.Resampling.BOX)) >= 96


def _near_line(size: int, points: Points, reach: float) -> Field:
    """Return proximity to a line: 1 on it, 0 from ``reach`` pixels on (computed on a coarse grid)."""
    coarse = 100
    grid = np.stack(np.meshgrid(*[(np.arange(coarse) + 0.5) * size / coarse] * 2), axis=-1)
    distance = np.min(np.hypot(*(grid[:, :, None] - points[None, None, ::12]).transpose(3, 0, 1, 2)), axis=2)
    near = np.clip(1 - distance / reach, 0, 1).astype(np.float32)
    near = blur(near, 0.25)
    return np.asarray(Image.fromarray(near).resize((size, size), Image.Resampling.BICUBIC))
