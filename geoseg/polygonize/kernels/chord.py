"""The test of ``simplify`` for boundaries between an arc and the chord that would replace it."""

from __future__ import annotations

from geoseg.jit import compiled
from geoseg.polygonize.kernels.lattice import edges_at
from geoseg.polygonize.kernels.types import Array


@compiled
def _sort(keys: Array, n: int) -> None:
    """Sort the first ``n`` keys in place, by Shell sort."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap:
        for i in range(gap, n):
            item = keys[i]
            j = i
            while j >= gap and keys[j - gap] > item:
                keys[j] = keys[j - gap]
                j -= gap
            keys[j] = item
        gap //= 3


@compiled
def _has(keys: Array, n: int, key: int) -> bool:
    """Whether a key is among ``n`` sorted ones."""
    low = 0
    high = n
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low < n and keys[low] == key


@compiled
def _foreign(lattice: Array, own: Array, points: int, low: int, high: int, y: int) -> bool:
    """Whether any of the points ``low … high`` of line ``y`` lies on a boundary and is not in ``own``."""
    for x in range(low, high + 1):  # noqa: SIM110 - a generator does not compile
        if edges_at(lattice, x, y) and not _has(own, points, (y << 32) + x):
            return True
    return False


@compiled
def clear(  # noqa: PLR0915
    xs: Array, ys: Array, i: int, j: int, lattice: Array, own: Array, walls: Array
) -> bool:
    """Whether the closed area between the vertices ``i … j`` and their chord holds no point of another boundary.

    ``own`` and ``walls`` are scratch for the lattice points and the vertical unit edges of this stretch.
    """
    count = 0
    x = xs[i]
    y = ys[i]
    low_y = y
    high_y = y
    own[0] = (y << 32) + x
    points = 1
    for k in range(i, j):
        while x != xs[k + 1] or y != ys[k + 1]:
            if x < xs[k + 1]:
                x += 1
            elif x > xs[k + 1]:
                x -= 1
            elif y < ys[k + 1]:
                walls[count] = (y << 32) + x
                count += 1
                y += 1
            else:
                y -= 1
                walls[count] = (y << 32) + x
                count += 1
            own[points] = (y << 32) + x
            points += 1
        low_y = min(low_y, y)
        high_y = max(high_y, y)
    _sort(own, points)
    _sort(walls, count)
    px = xs[i]
    py = ys[i]
    qx = xs[j]
    qy = ys[j]
    if py > qy:
        px, py, qx, qy = qx, qy, px, py
    if py == qy and _foreign(lattice, own, points, min(px, qx) + 1, max(px, qx) - 1, py):
        return False
    w = 0
    for line in range(low_y, high_y + 1):
        # The chord crosses this line between the integers `below` and `above`, which are equal at a lattice point.
        crosses = py < qy and py <= line <= qy
        below = 0
        above = 0
        if crosses:
            rise = (line - py) * (qx - px)
            below = px + rise // (qy - py)
            above = below if rise % (qy - py) == 0 else below + 1
            if below == above and py < line < qy and _foreign(lattice, own, points, below, below, line):
                return False
            crosses = line < qy  # as for the walls, what counts is a ray just below the line
        # From left to right, each crossing of that ray leads from outside to inside or back.
        inside = False
        left = 0
        while (w < count and (walls[w] >> 32) == line) or crosses:
            wall = w < count and (walls[w] >> 32) == line
            place = walls[w] & 0xFFFFFFFF if wall else 0
            if crosses and (not wall or above <= place):
                if inside and _foreign(lattice, own, points, left, below, line):
                    return False
                left = above
                crosses = False
            else:
                if inside and _foreign(lattice, own, points, left, place, line):
                    return False
                left = place
                w += 1
            inside = not inside
    return True
