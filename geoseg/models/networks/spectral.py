"""The ``spectral`` model: land cover from spectral indices by fuzzy rules, no training, no context.

Each rule is a ramp on one index ("NDVI rises through 0.26…0.40") and says how much that speaks for or against each
class; the evidence is summed, and the softmax of the sum is the confidence. Every rule is a sentence that can be read
and argued with; their numbers were tuned on labelled scenes (the card says how well that works, and where not).

Indices
-------
- NDVI  (nir − red) / (nir + red): Rouse et al. 1974, Monitoring vegetation systems in the Great Plains with ERTS,
NASA SP-351.
- NDWI  (green − nir) / (green + nir): McFeeters 1996, Int. J. Remote Sensing 17(7), doi:10.1080/01431169608948714.
- MNDWI (green − swir16) / (green + swir16): Xu 2006, Int. J. Remote Sensing 27(14), doi:10.1080/01431160600589179.
- NDBI  (swir16 − nir) / (swir16 + nir): Zha, Gao & Ni 2003, Int. J. Remote Sensing 24(3), doi:10.1080/01431160304987.
- BSI   ((swir16 + red) − (nir + blue)) / (their sum): Rikimaru, Roy & Miyatake 2002, Tropical Ecology 43(1).
- NDTI  (swir16 − swir22) / (swir16 + swir22): van Deventer et al. 1997, PE&RS 63(1); crop residue and dry matter.
- NIR and VIS: reflectance in the near infrared, and the mean of blue, green and red.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
"""Bands of the input, surface reflectance 0…1, in this order."""

INDICES = ("ndvi", "ndwi", "mndwi", "ndbi", "bsi", "ndti", "nir", "vis")


class Rule(NamedTuple):
    """A ramp on one index, 0 below ``low`` and 1 above ``high``, and what it says of each class."""

    measure: str
    low: float
    high: float
    tree: float = 0.0
    grass: float = 0.0
    crop: float = 0.0
    built: float = 0.0
    bare: float = 0.0
    water: float = 0.0


PRIOR = (1.2, -1.0, -0.2, 1.2, -1.0, 0.0)
"""Evidence for each class before any rule, in the order of the classes."""

RULES = (
    Rule("ndvi", 0.105, 0.215, crop=1.8, bare=-2.4),
    Rule("ndvi", 0.26, 0.4, tree=2.0, bare=-1.0),
    Rule("ndvi", 0.445, 0.575, grass=1.0, crop=-0.8),
    Rule("ndvi", 0.715, 0.785, tree=1.2, crop=0.4),
    Rule("ndwi", -0.075, 0.135, water=2.4),
    Rule("mndwi", -0.55, -0.43, tree=-1.6, grass=-2.4, bare=0.8, water=0.8),
    Rule("mndwi", -0.125, 0.065, built=-1.8, water=1.2),
    Rule("ndbi", -0.355, -0.285, tree=-0.8, grass=0.6, crop=-0.6, built=0.8),
    Rule("ndbi", 0.0, 0.06, crop=-1.0, built=1.0),
    Rule("bsi", 0.045, 0.195, tree=-0.4, crop=1.0, built=-5.0),
    Rule("ndti", 0.1, 0.22, tree=0.8, built=-2.2, bare=-1.2, water=0.8),
    Rule("ndti", 0.345, 0.395, tree=1.0),
    Rule("nir", 0.13, 0.17, grass=1.2, crop=-0.4, water=-1.0),
    Rule("nir", 0.19, 0.39, tree=-2.4, grass=0.8, crop=1.4, built=-2.2, bare=2.4, water=-1.6),
    Rule("vis", 0.03, 0.07, tree=-1.8, water=-0.8),
    Rule("vis", 0.1, 0.14, crop=-1.0, built=1.6),
)


class Spectral(torch.nn.Module):
    """Logits of six classes from six bands of reflectance; each pixel for itself.

    Forward: float32 (N, 6, h, w) → (N, 6, h, w).
    """

    class_count = 6
    pointwise = True

    def __init__(self) -> None:
        super().__init__()
        ramps = torch.zeros(len(RULES), len(INDICES))
        starts = torch.zeros(len(RULES), 1)
        for i, rule in enumerate(RULES):
            slope = 1 / (rule.high - rule.low)
            ramps[i, INDICES.index(rule.measure)] = slope
            starts[i] = -rule.low * slope
        self.register_buffer("ramps", ramps, persistent=False)
        self.register_buffer("starts", starts, persistent=False)
        self.register_buffer("evidence", torch.tensor([rule[3:] for rule in RULES]).T.contiguous(), persistent=False)
        self.register_buffer("prior", torch.tensor(PRIOR)[:, None], persistent=False)
        self.ramps: torch.Tensor
        self.starts: torch.Tensor
        self.evidence: torch.Tensor
        self.prior: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the evidence for each class."""
        n, _, h, w = x.shape
        out = torch.empty((n, self.class_count, h, w), dtype=torch.float32, device=x.device)
        for i in range(n):
            indices = self.indices(x[i]).view(len(INDICES), h * w)
            # Two small matrix products: indices to ramps, ramps to evidence.
            ramps = torch.addmm(self.starts, self.ramps, indices).clamp_(0.0, 1.0)
            torch.addmm(self.prior, self.evidence, ramps, out=out[i].view(self.class_count, h * w))
        return out

    @staticmethod
    def indices(x: torch.Tensor) -> torch.Tensor:
        """Return the indices (8, h, w) of reflectance ``x`` (6, h, w), in the order of :data:`INDICES`."""
        # Atmospheric correction leaves reflectance of dark water at or below 0, where ratios mean nothing.
        blue, green, red, nir, swir16, swir22 = x.clamp_min(1e-4).float().unbind(0)
        out = torch.empty((len(INDICES), *blue.shape), dtype=torch.float32, device=x.device)
        pairs = (
            (nir, red),
            (green, nir),
            (green, swir16),
            (swir16, nir),
            (swir16 + red, nir + blue),
            (swir16, swir22),
        )
        for index, (one, other) in zip(out, pairs, strict=False):
            torch.sub(one, other, out=index)
            index.div_(one + other)
        out[6].copy_(nir)
        torch.add(blue, green, out=out[7]).add_(red).mul_(1 / 3)
        return out
