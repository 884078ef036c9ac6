"""Variations leave the meaning of a window as it is: labels move with pixels, what is ignored stays ignored."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geoseg.train.data import augment
from geoseg.train.data.samples import resized

SIDE = 16
SEEDS = st.integers(0, 2**31)
BANDS = st.integers(1, 7)


def _window(bands, seed, *, holes=True):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn((bands, SIDE, SIDE), generator=g) * 2 + 1
    y = torch.randint(0, 4, (SIDE, SIDE), generator=g)
    valid = torch.rand((SIDE, SIDE), generator=g) > (0.2 if holes else -1)
    y = y.masked_fill(torch.rand((SIDE, SIDE), generator=g) < 0.3, 255).masked_fill(~valid, 255)
    return x * valid, y, valid, g


@given(kind=st.integers(0, 7))
def test_turns_are_the_eight_symmetries(kind):
    x = torch.arange(SIDE * SIDE).reshape(1, SIDE, SIDE)
    found = augment.dihedral(x, kind)
    assert sorted(found.flatten().tolist()) == sorted(x.flatten().tolist())
    assert len({tuple(augment.dihedral(x, k).flatten().tolist()) for k in range(8)}) == 8
    assert torch.equal(augment.dihedral(x, 0), x)


@given(bands=BANDS, seed=SEEDS, amount=st.floats(0, 1))
def test_gain_is_one_positive_factor_a_band(bands, seed, amount):
    x, _, _, g = _window(bands, seed)
    found = augment.random_gain(x, amount, g)
    for before, after in zip(x, found, strict=True):
        ratio = (after / before)[before.abs() > 1e-3]
        assert torch.allclose(ratio, ratio[:1], rtol=1e-3)
        assert (1 - amount / 2) ** 2 - 1e-3 <= ratio[0] <= (1 + amount / 2) ** 2 + 1e-3


@given(bands=BANDS, seed=SEEDS, amount=st.floats(0, 1))
def test_offset_is_one_number_a_band_within_its_deviation(bands, seed, amount):
    x, _, valid, g = _window(bands, seed)
    change = augment.random_offset(x, valid, amount, g) - x
    spread = augment.band_deviation(x, valid)
    assert torch.allclose(change, change[:, :1, :1].expand_as(change), atol=1e-5)
    assert (change.abs() <= amount * spread + 1e-5).all()


@given(bands=BANDS, seed=SEEDS)
def test_spread_is_the_deviation_of_valid_pixels(bands, seed):
    x, _, valid, _ = _window(bands, seed)
    wanted = torch.stack([band[valid].std(unbiased=False) for band in x])
    assert torch.allclose(augment.band_deviation(x, valid).flatten(), wanted, atol=1e-4)
    assert (augment.band_deviation(x, valid & False) == 0).all()


@given(seed=SEEDS)
def test_noise_has_the_size_asked_for(seed):
    x = (
        torch.randn((3, 64, 64), generator=torch.Generator().manual_seed(seed))
        * torch.tensor([1, 5, 20])[:, None, None]
    )
    valid = torch.ones((64, 64), dtype=torch.bool)
    change = augment.add_noise(x, valid, 0.1, torch.Generator().manual_seed(seed)) - x
    assert torch.allclose(change.std((1, 2)), 0.1 * x.std((1, 2)), rtol=0.1)


@given(bands=BANDS, seed=SEEDS)
def test_one_band_goes_never_the_only_one(bands, seed):
    x, _, _, g = _window(bands, seed, holes=False)
    gone = (augment.drop_band(x, g) == 0).all(-1).all(-1)
    assert gone.sum() == (bands > 1)


@given(bands=BANDS, seed=SEEDS)
def test_what_a_cloud_hides_is_unlabelled_and_the_rest_untouched(bands, seed):
    x, y, valid, g = _window(bands, seed)
    found, labels = augment.add_cloud(x, y, valid, g)
    top = (x * valid).flatten(1).amax(1)[:, None, None]
    hidden = labels != y
    assert (labels[hidden] == 255).all()
    # Where a label goes, at least half of the way to bright has been gone in every band.
    assert ((top - found).abs() <= (top - x).abs() / 2 + 1e-4)[:, hidden].all()
    untouched = (found == x).all(0) & (x != top).all(0)
    assert (labels[untouched] == y[untouched]).all()
    assert (found <= torch.maximum(x, top) + 1e-4).all()


@given(bands=BANDS, seed=SEEDS, strength=st.floats(0, 3))
def test_all_together(bands, seed, strength):
    x, y, valid, g = _window(bands, seed)
    before = (x.clone(), y.clone())
    found, labels = augment.Augment(strength)(x, y, valid, g)
    assert torch.equal(x, before[0])
    assert torch.equal(y, before[1])
    assert found.shape == x.shape
    assert torch.isfinite(found).all()
    # The same symmetry for pixels, labels and validity: what was invalid is 0 and unlabelled, wherever it went.
    hidden = (found == 0).all(0)
    assert hidden.sum() >= (~valid).sum()
    assert (labels != 255).sum() <= (y != 255).sum()
    for c in range(4):
        assert (labels == c).sum() <= (y == c).sum()
    if strength == 0:
        assert torch.equal(found, x)


@given(seed=SEEDS)
def test_labels_move_with_their_pixels(seed):
    _, y, _, g = _window(1, seed)
    valid = torch.ones_like(y, dtype=torch.bool)
    # The picture is the labels themselves: whatever is done to both, bright stays where its label is.
    x = torch.where(y == 255, 0, y).float()[None] * 10
    found, labels = augment.Augment(1.0)(x, y, valid, g)
    seen = labels != 255
    # A cloud may hide some labels, never most of them; the mean of each class keeps the order of the classes.
    assert seen.sum() > 20
    pair = torch.stack([found[0][seen], labels[seen].float()])
    assert torch.corrcoef(pair)[0, 1] > 0.6


@given(seed=SEEDS)
def test_the_same_draw_gives_the_same_window(seed):
    x, y, valid, _ = _window(4, seed)
    one, two = (augment.Augment(1.0)(x, y, valid, torch.Generator().manual_seed(seed)) for _ in range(2))
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


@pytest.mark.parametrize("side", [8, 16, 24, 31])
def test_resampling_keeps_labels_whole_and_in_place(side):
    y = torch.zeros((16, 16), dtype=torch.uint8)
    y[:, 8:] = 3
    y[0, 0] = 255
    valid = torch.ones((16, 16), dtype=torch.bool)
    valid[12:] = False
    found, labels, mask = resized(y.float()[None] * valid, y, valid, side)
    assert found.shape == (1, side, side)
    assert set(labels.unique().tolist()) <= {0, 3, 255}
    assert (labels[3:, : side // 2 - 1] == 0).all()
    assert (labels[:, side // 2 + 1 :] == 3).all()
    assert not mask[-side // 4 + 1 :].any()
    assert (found[0][~mask] == 0).all()
