"""Networks of several inputs, over the encoders and decoders of segmentation-models-pytorch.

All see one tensor of channels, as :mod:`geoseg.models.card.inputs` lays them out, and return logits like any network.
Pixels where an input has no data are set to 0 before anything looks at them, and have no weight where inputs are
joined: what a masked date or sensor holds changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import nn

from geoseg.models.card.inputs import YEAR, InputSpec, Layout

Make = Callable[[int], nn.Module]
"""Makes a network of smp's kind (``encoder``, ``decoder``, ``segmentation_head``) for so many channels."""


class Seen(NamedTuple):
    """One slot of a batch: channels for an encoder (N, C, h, w), validity (N, 1, h, w) bool, days (N, 1, h, w) or None.

    The channels are the bands, validity and, in a series, sine and cosine of the day in the year.
    """

    x: torch.Tensor
    valid: torch.Tensor
    day: torch.Tensor | None


def encoder_channels(slot: Layout) -> int:
    """Return the number of channels that an encoder sees of a slot."""
    return slot.bands + (3 if slot.dated else 1)


def split(x: torch.Tensor, layout: Sequence[Layout]) -> list[Seen]:
    """Return the slots of a batch; pixels without data are 0."""
    seen = []
    for slot in layout:
        # Between 0 and 1 a window was resampled: part of the pixel is missing.
        valid = x[:, slot.valid : slot.valid + 1] > 0.99
        channels = [torch.where(valid, x[:, slot.data], 0.0), valid.to(x.dtype)]
        day = None
        if slot.dated:
            day = torch.where(valid, x[:, slot.valid + 1 : slot.valid + 2], 0.0)
            turn = 2 * math.pi * day
            channels += [torch.where(valid, wave(turn), 0.0) for wave in (torch.sin, torch.cos)]
        seen.append(Seen(torch.cat(channels, 1), valid, day))
    return seen


def _part(network: nn.Module, name: str) -> Any:
    """Return a part of a network by its name."""
    return getattr(network, name)


def _by_date(flat: torch.Tensor, steps: int) -> torch.Tensor:
    """Return (N · T, …) as (N, T, …)."""
    return flat.reshape(-1, steps, *flat.shape[1:])


class Levels(nn.Module):
    """An encoder, and how much smaller than its input the features of each level are.

    Parameters
    ----------
    network
        A network of smp's kind.
    channels
        Its input channels.
    """

    def __init__(self, network: nn.Module, channels: int) -> None:
        super().__init__()
        encoder = _part(network, "encoder")
        self.encoder = encoder
        was = encoder.training
        with torch.no_grad():
            side = 64
            found = encoder.eval()(torch.zeros(1, channels, side, side))
        encoder.train(was)
        self.steps = [side // feature.shape[-1] for feature in found]
        self.widths = [feature.shape[1] for feature in found]

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of each level, the finest first; that is the input itself."""
        return list(self.encoder(x))

    def masks(self, valid: torch.Tensor) -> list[torch.Tensor]:
        """Return the validity (N, 1, h, w) bool of each level: a cell is valid if one of its pixels is."""
        whole = valid.float()
        return [valid if step == 1 else F.max_pool2d(whole, step) > 0 for step in self.steps]


class Early(nn.Module):
    """One network that sees the channels of all slots at once."""

    def __init__(self, layout: Sequence[Layout], make: Make) -> None:
        super().__init__()
        self.layout = tuple(layout)
        self.network: Any = make(sum(map(encoder_channels, layout)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        logits: torch.Tensor = self.network(torch.cat([slot.x for slot in split(x, self.layout)], 1))
        return logits


class Late(nn.Module):
    """A network for each slot; the mean of the logits of those that have data at a pixel."""

    def __init__(self, layout: Sequence[Layout], make: Make) -> None:
        super().__init__()
        self.layout = tuple(layout)
        self.networks = nn.ModuleList([make(encoder_channels(slot)) for slot in layout])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        seen = split(x, self.layout)
        each = [network(slot.x) * slot.valid for network, slot in zip(self.networks, seen, strict=True)]
        count = sum(slot.valid.to(x.dtype) for slot in seen)
        return torch.stack(each).sum(0) / torch.as_tensor(count).clamp_min(1)


class Gated(nn.Module):
    """An encoder for each slot; at each level their features are joined with weights that depend on them.

    The weights of the slots sum to 1 at each cell; those without data there have none. One decoder reads the result.
    """

    def __init__(self, layout: Sequence[Layout], make: Make) -> None:
        super().__init__()
        self.layout = tuple(layout)
        made: list[Any] = [make(encoder_channels(slot)) for slot in layout]
        self.levels = nn.ModuleList(
            [Levels(network, encoder_channels(slot)) for network, slot in zip(made, layout, strict=True)]
        )
        self.decoder, self.segmentation_head = made[0].decoder, made[0].segmentation_head
        widths = _part(self.levels[0], "widths")
        self.gates = nn.ModuleList([nn.ModuleList([_gate(width) for width in widths[1:]]) for _ in layout])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        seen = split(x, self.layout)
        levels: list[Any] = list(self.levels)
        features = [level(slot.x) for level, slot in zip(levels, seen, strict=True)]
        masks = [level.masks(slot.valid) for level, slot in zip(levels, seen, strict=True)]
        joined = [features[0][0]]  # the input itself, which no decoder reads
        for number in range(1, len(features[0])):
            own = torch.stack([each[number] for each in features], 1)
            valid = torch.stack([each[number] for each in masks], 1)
            gates: list[Any] = [gate[number - 1] for gate in self.gates]  # type: ignore[index]
            scores = torch.stack([gate(each[number]) for gate, each in zip(gates, features, strict=True)], 1)
            joined.append((own * weights_of(scores, valid)).sum(1))
        logits: torch.Tensor = self.segmentation_head(self.decoder(joined))
        return logits


def _gate(width: int) -> nn.Module:
    return nn.Conv2d(width, 1, 1) if width else nn.Identity()


def weights_of(scores: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return the softmax of scores (N, slots, …) over valid slots; exactly 0 for the others, and everywhere if none is.

    Parameters
    ----------
    scores, valid
        Of shapes that broadcast.
    """
    some = valid.any(1, keepdim=True)
    masked = scores.float().masked_fill(~valid & some, -torch.inf)
    return torch.where(valid, torch.softmax(masked, 1), 0.0).to(scores.dtype)


class Change(nn.Module):
    """One encoder for both dates; the decoder sees how their features differ.

    Parameters
    ----------
    layout
        Before and after.
    make
        Makes the network.
    concatenate
        Learn how to compare from both features, as FC-Siam-conc does; else take their absolute difference, as
        FC-Siam-diff, which is the same if the dates are swapped (Daudt et al. 2018, arXiv 1810.08462).
    """

    def __init__(self, layout: Sequence[Layout], make: Make, *, concatenate: bool) -> None:
        super().__init__()
        self.layout = tuple(layout)
        channels = encoder_channels(layout[0])
        network: Any = make(channels)
        self.levels = Levels(network, channels)
        self.decoder, self.segmentation_head = network.decoder, network.segmentation_head
        self.joins = nn.ModuleList(
            [nn.Conv2d(2 * width, width, 1) if width else nn.Identity() for width in self.levels.widths[1:]]
            if concatenate
            else []
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        before, after = split(x, self.layout)
        both = self.levels(torch.cat([before.x, after.x]))
        pairs = [feature.chunk(2) for feature in both]
        if len(self.joins):
            joined = [join(torch.cat(pair, 1)) for join, pair in zip(self.joins, pairs[1:], strict=True)]
        else:
            joined = [(late - early).abs() for early, late in pairs[1:]]
        logits: torch.Tensor = self.segmentation_head(self.decoder([pairs[0][0], *joined]))
        return logits


class Series(nn.Module):
    """One encoder for all dates; their features are joined over time, and one decoder reads the result.

    Parameters
    ----------
    layout
        The dates, in the order of time.
    make
        Makes the network.
    recurrent
        Join the deepest features by a convolutional GRU (Ballas et al. 2016, arXiv 1511.06432) and the others by their
        mean; else all by lightweight temporal attention (Garnot & Landrieu 2020, arXiv 2007.00586), computed at the
        deepest level and brought to the others, as U-TAE does (2021, arXiv 2107.07933).
    """

    def __init__(self, layout: Sequence[Layout], make: Make, *, recurrent: bool) -> None:
        super().__init__()
        self.layout = tuple(layout)
        channels = encoder_channels(layout[0])
        network: Any = make(channels)
        self.levels = Levels(network, channels)
        self.decoder, self.segmentation_head = network.decoder, network.segmentation_head
        deepest = self.levels.widths[-1]
        pointwise = self.levels.steps[-1] == 1
        self.attention = None if recurrent else TemporalAttention(deepest)
        self.recurrence = ConvGRU(deepest, 1 if pointwise else 3) if recurrent else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        seen = split(x, self.layout)
        pixels, valid = torch.stack([slot.x for slot in seen], 1), torch.stack([slot.valid for slot in seen], 1)
        steps = len(seen)
        features = [_by_date(feature, steps) for feature in self._encoded(pixels, valid)]
        masks = [_by_date(mask, steps) for mask in self.levels.masks(valid.flatten(0, 1))]
        days = torch.stack([slot.day.flatten(1).amax(1) for slot in seen if slot.day is not None], 1)
        shares = self._shares(features[-1], masks[-1], days)
        joined = [
            self._joined(feature, mask, shares) for feature, mask in zip(features[1:-1], masks[1:-1], strict=True)
        ]
        if self.recurrence is not None:
            joined.append(self.recurrence(features[-1], masks[-1]))
        else:
            joined.append(self._joined(features[-1], masks[-1], shares))
        logits: torch.Tensor = self.segmentation_head(self.decoder([features[0][:, 0], *joined]))
        return logits

    def _encoded(self, pixels: torch.Tensor, valid: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of all dates (N · T, C, h, w)."""
        flat = pixels.flatten(0, 1)
        if not self.training:
            return list(self.levels(flat))
        # Dates without data would spoil the statistics of batch normalisation, and cost as much as others.
        there = valid.flatten(2).any(2).flatten()
        found = self.levels(flat[there])
        return [each.new_zeros(len(flat), *each.shape[1:]).index_put((there.nonzero()[:, 0],), each) for each in found]

    def _shares(self, deepest: torch.Tensor, valid: torch.Tensor, days: torch.Tensor) -> torch.Tensor:
        """Return the weight of each date (N, T, heads, h, w) at the deepest level."""
        if self.attention is not None:
            shares: torch.Tensor = self.attention(deepest, valid, days)
            return shares
        return weights_of(torch.zeros_like(deepest[:, :, :1]), valid)

    @staticmethod
    def _joined(features: torch.Tensor, valid: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
        """Return the weighted mean over time of features (N, T, C, h, w): each head weighs a group of channels."""
        size, width = features.shape[-2:], features.shape[2]
        weights = shares
        if shares.shape[-2:] != size:
            flat = F.interpolate(shares.flatten(0, 1), size, mode="bilinear", align_corners=False)
            weights = _by_date(flat, shares.shape[1])
        heads = weights.shape[2]
        if heads > 1 and width % heads:
            weights, heads = weights.mean(2, keepdim=True), 1
        weights = torch.where(valid, weights, 0.0)
        total = weights.sum(1)
        grouped = features.reshape(*features.shape[:2], heads, width // heads, *size) * weights.unsqueeze(3)
        joined: torch.Tensor = grouped.sum(1) / total.clamp_min(1e-6).unsqueeze(2)
        return joined.flatten(1, 2)


class TemporalAttention(nn.Module):
    """Weights of dates by attention with a learned query for each head, as L-TAE has them.

    Parameters
    ----------
    width
        Channels of the features.
    heads
        Heads, each of ``keys`` channels.
    """

    def __init__(self, width: int, heads: int = 8, keys: int = 8) -> None:
        super().__init__()
        self.heads, self.keys = heads, keys
        self.norm = nn.GroupNorm(math.gcd(heads, width), width)
        self.key = nn.Conv2d(width, heads * keys, 1)
        self.query = nn.Parameter(torch.randn(heads, keys) * math.sqrt(2 / keys))
        # Periods of 3 to 1000 days, in geometric steps; the input counts in years.
        periods = torch.logspace(math.log10(3), 3, heads * keys // 2)
        self.register_buffer("rates", 2 * math.pi * YEAR / periods, persistent=False)

    def forward(self, features: torch.Tensor, valid: torch.Tensor, days: torch.Tensor) -> torch.Tensor:
        """Return weights (N, T, heads, h, w) of features (N, T, C, h, w) with validity (N, T, 1, h, w), days (N, T)."""
        steps = features.shape[1]
        angle = days.float()[..., None] * _part(self, "rates")
        place = torch.cat([angle.sin(), angle.cos()], -1).to(features.dtype)[..., None, None]
        keys = _by_date(self.key(self.norm(features.flatten(0, 1))), steps) + place
        keys = keys.reshape(*keys.shape[:2], self.heads, self.keys, *keys.shape[-2:])
        scores = (keys * self.query.to(keys.dtype)[None, None, :, :, None, None]).sum(3) / math.sqrt(self.keys)
        return weights_of(scores, valid)


class ConvGRU(nn.Module):
    """A gated recurrent unit with convolutions; dates without data leave its state as it is.

    Parameters
    ----------
    width
        Channels of features and result.
    side
        Side of its kernels.
    hidden
        Most channels of its state.
    """

    def __init__(self, width: int, side: int = 3, hidden: int = 128) -> None:
        super().__init__()
        self.hidden = min(hidden, width)
        self.into = nn.Conv2d(width, self.hidden, 1)
        self.gates = nn.Conv2d(2 * self.hidden, 2 * self.hidden, side, padding=side // 2)
        self.candidate = nn.Conv2d(2 * self.hidden, self.hidden, side, padding=side // 2)
        self.out = nn.Conv2d(self.hidden, width, 1)

    def forward(self, features: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """Return the joined features (N, C, h, w) of features (N, T, C, h, w) with validity (N, T, 1, h, w)."""
        state = torch.zeros_like(features[:, 0, : self.hidden])
        for step in range(features.shape[1]):
            x = self.into(features[:, step])
            update, reset = torch.sigmoid(self.gates(torch.cat([x, state], 1))).chunk(2, 1)
            new = torch.tanh(self.candidate(torch.cat([x, reset * state], 1)))
            state = torch.where(valid[:, step], torch.lerp(state, new, update), state)
        joined: torch.Tensor = F.relu(self.out(state))
        return joined


def encoders_of(network: nn.Module, inputs: Sequence[InputSpec]) -> list[tuple[nn.Module, list[str]]]:
    """Return the parts of a network that have an ``encoder``, and the names of the channels that it sees."""
    slots = [
        [*spec.bands, "valid", *([] if spec.dates is None else ["sine", "cosine"])]
        for spec in inputs
        for _ in spec.slots
    ]
    match network:
        case Early():
            return [(network.network, [name for names in slots for name in names])]
        case Late():
            return list(zip(network.networks, slots, strict=True))
        case Gated():
            return list(zip(network.levels, slots, strict=True))
        case Series() | Change():
            return [(network.levels, slots[0])]
        case _:
            raise TypeError(f"{type(network).__name__} is no network of several inputs")


class Pixel(nn.Module):
    """A network without context, for series of coarse pixels: three layers, each pixel for itself.

    Parameters
    ----------
    channels, classes
        Numbers of input channels and classes.
    width
        Channels of its layers.
    """

    def __init__(self, channels: int, classes: int, width: int = 64) -> None:
        super().__init__()
        self.encoder = _PixelEncoder(channels, width)
        self.decoder = _Last(width)
        self.segmentation_head = nn.Conv2d(width, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        logits: torch.Tensor = self.segmentation_head(self.decoder(self.encoder(x)))
        return logits


class _PixelEncoder(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 1),
            nn.BatchNorm2d(width), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the input and its features, as encoders of smp do."""
        return [x, self.layers(x)]


class _Last(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU())

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        """Return what is made of the deepest features."""
        made: torch.Tensor = self.layers(features[-1])
        return made
