"""Places on the patch grid from coordinates, as `gridPositions` of @mhim/datasets finds them."""

import math

import numpy as np
import torch

from .aggregator import Positions

FILL, SPARSEST, TOLERANCE = 0.7, 100, 0.01


def grid_positions(coords):
    """Coordinates [n, 2] → columns and rows, no two in one cell."""
    coords = np.asarray(coords, dtype=np.float64)
    if not np.isfinite(coords).all():
        raise ValueError("The coordinates hold values that are not finite.")
    n, least = len(coords), coords.min(0)
    extent = coords.max(0) - least
    step = patch_step(coords, extent) or loose_step(n, extent)
    width = max(1, rounded(extent[0] / step) + 1)
    height = max(rounded(extent[1] / step) + 1, -(-n // width), 1)
    free = np.ones((height, width), dtype=bool)
    xy = [take_nearest(free, *(rounded(value) for value in (at - least) / step)) for at in coords]
    return Positions(torch.tensor(xy), int(width), int(height))


def rounded(value):
    """Halves go up, as JavaScript has it."""
    return math.floor(value + 0.5)


def patch_step(coords, extent):
    """The distance that neighbours in a row or column most often have, if it is the step of a grid that holds them."""
    distances = np.sort(np.concatenate([neighbour_distances(coords, axis) for axis in (0, 1)]))
    if len(distances) == 0 or len(distances) < len(coords) / 2:
        return None
    step = commonest(distances)
    multiples = np.abs(distances / step - np.floor(distances / step + 0.5)) < 2 * TOLERANCE
    cells = np.prod(extent / step + 1)
    return step if multiples.sum() >= 0.9 * len(distances) and cells <= SPARSEST * len(coords) else None


def neighbour_distances(coords, axis):
    lines = {}
    for at in coords:
        lines.setdefault(at[1 - axis], []).append(at[axis])
    distances = np.concatenate([np.diff(np.sort(places)) for places in lines.values()])
    return distances[distances > 0]


def commonest(ordered):
    """The middle of the longest run of values that are the same up to the tolerance; of equally long ones the first."""
    best, middle, first = 0, None, 0
    for last, value in enumerate(ordered):
        while value > ordered[first] * (1 + TOLERANCE):
            first += 1
        if last - first + 1 > best:
            best, middle = last - first + 1, ordered[(first + last) // 2]
    return middle


def loose_step(n, extent):
    longer = extent.max()
    return math.sqrt(FILL * max(extent.prod(), longer**2 / n) / n) if longer > 0 else 1


def take_nearest(free, column, row):
    """Takes the free cell nearest to one; of equally near ones the topmost, then the leftmost."""
    height, width = free.shape
    x, y = min(max(column, 0), width - 1), min(max(row, 0), height - 1)
    if not free[y, x]:
        rows, columns = np.nonzero(free)
        y, x = min(zip((columns - x) ** 2 + (rows - y) ** 2, rows, columns))[1:]
    free[y, x] = False
    return int(x), int(y)
