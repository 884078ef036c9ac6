"""The network of ``landcover`` and ``water``: fixed features of a pixel and its surroundings, and a small classifier.

Six bands of surface reflectance go in, logits of the classes come out. Each pixel is described by the logarithms of its
bands, and by means, standard deviations and normalised differences over surroundings of about 4 to 80 pixels. These
features are fixed; only the classifier on them is learned. That limits the capacity to what training data from few
places can support, and makes the network cheap: wide surroundings are evaluated at a quarter of the resolution, near
ones at half. (The four neighbours of a pixel, as features of their own, made the network slower, and worse in places it
had not seen.)

Pixels whose bands are all 0 or less have no data (:class:`~geoseg.models.inference.predictor.Predictor` passes 0 for
invalid pixels) and are excluded from means and deviations.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import nn

from geoseg.jit.perceptron import Layers, perceptron

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
"""Bands in the network's order, surface reflectance 0…1."""

STRIDE = 16
"""Window sides must be multiples of this, in pixels."""

MARGIN = 64
"""Reach of a pixel's surroundings, in pixels: 40 of the widest mean, 24 of its smoothing and interpolation."""

CLASS_COUNT = 6
"""Classes of the ``landcover`` model."""

PAIRS = tuple((i, j) for i in range(len(BANDS)) for j in range(i))
"""Band pairs of the normalised differences: (band i − band j) / (band i + band j)."""

# Pairs of bands; the standard deviation of their ratio tells how mixed the surroundings are: nir/red, green/nir,
# green/swir16, nir/swir16, swir16/swir22, red/swir16.
_RATIOS = ((3, 2), (1, 3), (1, 4), (3, 4), (4, 5), (2, 4))

_FLOOR = 0.01
"""Added to reflectance: below it sensors measure noise, whose logarithms and ratios must not matter."""

LEVELS = (2, 4, 8, 16, 16)
"""Cell sizes of the surroundings' grids, in pixels; the last repeats the fourth with a wider kernel."""

MEANS = len(BANDS)
DEVIATIONS = len(BANDS) + len(_RATIOS)
LEVEL_FEATURES = len(PAIRS) + MEANS + DEVIATIONS

# Separable smoothing kernels, tapered because a box filter draws square edges around bright spots.
_NEAR = (0.25, 0.5, 0.25)
_WIDE = (0.125, 0.25, 0.25, 0.25, 0.125)

# Smallest share of valid pixels by which sums are divided.
_LEAST_SHARE = 1e-3

# Cells of 2 × 2 pixels that are classified at a time on a CPU: activations then stay in its cache, which is twice as
# fast as whole windows.
_STRIP = 8192


def differences(pairs: tuple[tuple[int, int], ...], weight: float) -> torch.Tensor:
    """Return the matrix (pairs, bands) of the differences first − second of each pair, times ``weight``."""
    matrix = torch.zeros(len(pairs), len(BANDS))
    for row, (i, j) in enumerate(pairs):
        matrix[row, i], matrix[row, j] = weight, -weight
    return matrix


def soft_log(reflectance: torch.Tensor) -> torch.Tensor:
    """Return log(1 + reflectance / 0.01): flat in the range of noise, 0 without data, always finite."""
    return reflectance.clamp(0.0, 2.0).div_(_FLOOR).log1p_()


def soft_exp(logs: torch.Tensor) -> torch.Tensor:
    """Return the inverse of :func:`soft_log`."""
    return torch.expm1(logs) * _FLOOR


def double(values: torch.Tensor) -> torch.Tensor:
    """Upsample bilinearly to twice the size."""
    return F.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which operators compute in fp32, also within a half precision by autocast."""
    # Without autocast nothing is entered, and exporters of graphs see nothing of it.
    half = torch.is_autocast_enabled(device.type)
    return torch.autocast(device.type, enabled=False) if half else nullcontext()


def runs_machine_code(x: torch.Tensor, weight: torch.Tensor) -> bool:
    """Return whether layers may run as machine code: in single precision on a CPU, if nobody follows what is done."""
    return (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not (torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"))
        and not (torch.compiler.is_compiling() or torch.jit.is_tracing())  # type: ignore[attr-defined,no-untyped-call]
    )


def _mean_of_cells(values: torch.Tensor) -> torch.Tensor:
    """Return the means of cells of 2 × 2 pixels; twice as fast as ``avg_pool2d``."""
    upper = values[..., ::2, ::2] + values[..., ::2, 1::2]
    return upper.add_(values[..., 1::2, ::2]).add_(values[..., 1::2, 1::2]).mul_(0.25)


def _smooth(values: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    channels, reach = values.shape[1], kernel.shape[-1] // 2
    padded = F.pad(values, (reach,) * 4, mode="replicate")
    return F.conv2d(padded, kernel.expand(channels, 1, -1, -1), groups=channels)


class Pyramid(nn.Module):
    """Logarithms of the bands, and their means and standard deviations over growing surroundings; no weights."""

    ratios: torch.Tensor
    bands: torch.Tensor
    near: torch.Tensor
    wide: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("ratios", differences(_RATIOS, 1.0), persistent=False)
        self.register_buffer("bands", torch.ones(1, len(BANDS)), persistent=False)
        for name, line in (("near", torch.tensor(_NEAR)), ("wide", torch.tensor(_WIDE))):
            self.register_buffer(name, (line[:, None] * line)[None, None], persistent=False)

    def forward(self, reflectance: torch.Tensor) -> tuple[torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]]:
        """Return the features of pixels and of their surroundings, in fp32 whatever the precision around.

        A variance is a difference of large sums: in half precision its digits would be lost.

        Parameters
        ----------
        reflectance
            (N, 6, h, w), h and w multiples of 16.

        Returns
        -------
        Logarithms (4, N, h/2, w/2, 6) of the upper left, upper right, lower left and lower right pixel of each cell of
        2 × 2 pixels. And for each of :data:`LEVELS` the means (N, 6, h/level, w/level) of these logarithms, and the
        standard deviations (N, 12, h/level, w/level) of logarithms of bands and of band ratios; 0 without valid pixels.
        """
        with full_precision(reflectance.device):
            return self._statistics(reflectance)

    def _statistics(self, reflectance: torch.Tensor) -> tuple[torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]]:
        n, _, h, w = reflectance.shape
        logs = soft_log(reflectance.contiguous(memory_format=torch.channels_last)).permute(0, 2, 3, 1)
        quarters = logs.reshape(n, h // 2, 2, w // 2, 2, MEANS).permute(2, 4, 0, 1, 3, 5)
        quarters = quarters.reshape(4, n, h // 2, w // 2, MEANS)
        # Pixels without data have logarithms of 0, so sums need no mask, only the share of valid pixels.
        share = ((quarters @ self.bands.T) > 0).to(quarters.dtype).mean(0)
        return quarters, self._levels(share, quarters.mean(0), (quarters * quarters).mean(0))

    def maps(self, reflectance: torch.Tensor) -> tuple[torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]]:
        """Return the same, but the logarithms as (N, 6, h, w)."""
        logs = soft_log(reflectance.contiguous())
        share = _mean_of_cells((logs.sum(1, keepdim=True) > 0).to(logs.dtype))
        moments = [share, _mean_of_cells(logs), _mean_of_cells(logs * logs)]
        # Channels last: smoothing them is twice as fast.
        return logs, self._levels(*[part.permute(0, 2, 3, 1).contiguous() for part in moments])

    def _levels(
        self, share: torch.Tensor, total: torch.Tensor, square: torch.Tensor
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return means and deviations of each level.

        Parameters
        ----------
        share, total, square
            Of cells of 2 × 2 pixels: the share of valid ones (N, h/2, w/2, 1), means of logarithms and of their squares
            (N, h/2, w/2, 6).
        """
        ratios = (total / share.clamp(min=_LEAST_SHARE)) @ self.ratios.T
        moments = torch.cat([share, total, ratios * share, square, ratios * ratios * share], 3).permute(0, 3, 1, 2)
        levels = [self._mean_and_deviation(moments, self.near)]
        for _ in range(3):
            moments = F.avg_pool2d(moments, 2)
            levels.append(self._mean_and_deviation(moments, self.near))
        levels.append(self._mean_and_deviation(moments, self.wide))
        return levels

    @staticmethod
    def _mean_and_deviation(moments: torch.Tensor, kernel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        smoothed = _smooth(moments, kernel)
        mean, square = smoothed[:, 1:].div_(smoothed[:, :1].clamp(min=_LEAST_SHARE)).chunk(2, 1)
        return mean[:, :MEANS], square.sub_(mean * mean).clamp_(min=1e-6).sqrt_()


class LandcoverNet(nn.Module):
    """Reflectance (N, 6, h, w) → logits (N, classes, h, w); h and w are multiples of :data:`STRIDE`.

    Parameters
    ----------
    width
        Channels of the first hidden layer at full resolution.
    decide
        Channels of the second.
    context
        Channels of the hidden layer for the wide surroundings, at a quarter of the resolution.
    classes
        Number of classes.
    """

    minus: torch.Tensor

    def __init__(self, width: int = 64, decide: int = 40, context: int = 256, classes: int = CLASS_COUNT) -> None:
        super().__init__()
        self.pyramid = Pyramid()
        # (a − b) / (a + b) = tanh((log a − log b) / 2).
        self.register_buffer("minus", differences(PAIRS, 0.5), persistent=False)
        self.around = nn.ModuleList(nn.Linear(LEVEL_FEATURES, context, bias=i == 0) for i in range(len(LEVELS) - 1))
        self.bring = nn.Linear(context, width, bias=False)
        self.near = nn.Linear(LEVEL_FEATURES, width)
        self.pixel = nn.Linear(len(BANDS), width, bias=False)
        self.decide = nn.Linear(width, decide)
        self.head = nn.Linear(decide, classes)

    def forward(self, reflectance: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        if self._compiles(reflectance):
            return self._compiled(reflectance)
        # Channels last, with linear layers: with few channels several times faster than 1 × 1 convolutions.
        quarters, levels = self.pyramid(reflectance)
        near, *wide = ([part.permute(0, 2, 3, 1) for part in level] for level in levels)
        around = double(self.bring(self._hidden(double(self._wider(wide)), wide[0])).permute(0, 3, 1, 2))
        half = [*near, around.permute(0, 2, 3, 1)]
        height, width = quarters.shape[2:4]
        if reflectance.device.type != "cpu" or torch.compiler.is_compiling():
            return self._decide(quarters, *half)
        rows = max(_STRIP // width, 1)
        strips = [slice(row, row + rows) for row in range(0, height, rows)]
        return torch.cat([self._decide(quarters[:, :, part], *(x[:, part] for x in half)) for part in strips], 2)

    def _wider(self, wide: list[list[torch.Tensor]]) -> torch.Tensor:
        """Return what the wide levels but the finest contribute to their hidden layer (N, context, h/8, w/8)."""
        layers = [layer for layer in self.around if isinstance(layer, nn.Linear)]
        hidden = [
            F.linear(self._features(*level), layer.weight).permute(0, 3, 1, 2)
            for level, layer in zip(wide[1:], layers[1:], strict=True)
        ]
        # Interpolation keeps a constant: the bias is added where there is least.
        return double((hidden[1] + hidden[2]).add_(layers[0].bias[:, None, None])).add_(hidden[0])

    def _hidden(self, around: torch.Tensor, finest: list[torch.Tensor]) -> torch.Tensor:
        """Return the hidden layer of the wide levels (N, h, w, context), with what the finest of them contributes."""
        own = F.linear(self._features(*finest), self.around[0].weight)  # type: ignore[arg-type]
        return own.add_(around.permute(0, 2, 3, 1)).relu_()

    def _compiles(self, reflectance: torch.Tensor) -> bool:
        return runs_machine_code(reflectance, self.head.weight)

    def _compiled(self, reflectance: torch.Tensor) -> torch.Tensor:
        """Return what :meth:`forward` does: with channels first, the last layers by :mod:`geoseg.jit.perceptron`."""
        logs, levels = self.pyramid.maps(reflectance)
        near, *wide = ([part.permute(0, 2, 3, 1) for part in level] for level in levels)
        n, _, h, w = reflectance.shape
        quarters = F.pad(self._brought(self._wider(wide), wide[0]), (1,) * 4, mode="replicate")
        logits = logs.new_empty(n, self.head.out_features, h, w)
        layers = Layers(*[part.detach().numpy() for part in (
            self.pixel.weight, self.decide.weight, self.decide.bias, self.head.weight, self.head.bias,
        )])  # fmt: skip
        threads = torch.get_num_threads()
        rows = max(_STRIP // (4 * w), 1) * 4 * threads
        with ThreadPoolExecutor(threads, "geoseg-pixels") if threads > 1 else nullcontext() as pool:
            for image, first in itertools.product(range(n), range(0, h, rows)):
                last = min(first + rows, h)
                features = self._features(*[part[image, first // 2 : last // 2] for part in near]).flatten(0, 1)
                cells = (self.near.weight @ features.T).view(-1, (last - first) // 2, w // 2)
                around = quarters[image, :, first // 4 : last // 4 + 2]
                parts = logs[image, :, first:last], cells, around, logits[image, :, first:last]
                perceptron(layers, *[part.numpy() for part in parts], pool=pool, threads=threads)
        return logits

    def _brought(self, wider: torch.Tensor, finest: list[torch.Tensor]) -> torch.Tensor:
        """Return what the wide levels contribute to the first layer (N, width, h/4, w/4), computed strip by strip."""
        n, _, height, width = wider.shape
        brought = wider.new_empty(n, self.bring.out_features, 2 * height, 2 * width)
        rows = max(_STRIP // 32 // width * torch.get_num_threads(), 1)
        for image, first in itertools.product(range(n), range(0, height, rows)):
            last = min(first + rows, height)
            # With a row more on both sides, if there is one: interpolation looks at the nearest rows.
            start, stop = max(first - 1, 0), min(last + 1, height)
            own = slice(2 * (first - start), 2 * (last - start))
            part = slice(2 * first, 2 * last)
            around = double(wider[image : image + 1, :, start:stop])[:, :, own]
            context = self._hidden(around, [level[image : image + 1, part] for level in finest])
            found = (self.bring.weight @ context.flatten(0, 2).T).add_(self.near.bias[:, None])
            brought[image, :, part] = found.view(-1, 2 * (last - first), 2 * width)
        return brought

    def _features(self, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
        """Return the features of a level (N, h, w, LEVEL_FEATURES): normalised differences, means, deviations."""
        with full_precision(mean.device):  # differences of nearly equal logarithms
            return torch.cat([torch.tanh(mean @ self.minus.T), mean, deviation], -1)

    def _decide(
        self, quarters: torch.Tensor, mean: torch.Tensor, deviation: torch.Tensor, around: torch.Tensor
    ) -> torch.Tensor:
        """Return logits (N, classes, 2h, 2w).

        Parameters
        ----------
        quarters
            Logarithms (4, N, h, w, 6) as :class:`Pyramid` gives them.
        mean, deviation, around
            What the pixels of a cell share: means and deviations of the finest level (N, h, w, 6 and 12), and the
            contribution of the wider levels (N, h, w, width).
        """
        n, h, w, _ = mean.shape
        # In place: allocating a tensor costs more than the arithmetic on it.
        shared = self.near(self._features(mean, deviation)).add_(around).flatten(0, 2)
        logits = []
        for pixels in quarters:
            hidden = torch.addmm(shared, pixels.flatten(0, 2), self.pixel.weight.T).relu_()
            logits.append(self.head(self.decide(hidden).relu_()))
        blocks = torch.stack(logits).view(2, 2, n, h, w, self.head.out_features)
        return blocks.permute(2, 5, 3, 0, 4, 1).reshape(n, self.head.out_features, 2 * h, 2 * w)
