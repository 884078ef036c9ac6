"""The memory of a forward pass, counted without running it."""

from __future__ import annotations

import torch

from geoseg.models.inference.memory_footprint import bytes_per_pixel


def test_input_and_every_live_activation_count():
    wide = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 1), torch.nn.Conv2d(8, 2, 1))
    # Largest moment: 3 input, 8 middle, 2 output channels of float32 alive together.
    assert bytes_per_pixel(wide, 3, 64) == 4 * (3 + 8 + 2)


def test_what_works_in_place_is_counted_once():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 1), torch.nn.ReLU(inplace=True), torch.nn.AvgPool2d(2))
    assert bytes_per_pixel(net, 1, 64) == 4 * (1 + 4 + 4 / 4)


def test_a_network_that_needs_numbers_cannot_be_counted():
    class Peeks(torch.nn.Module):
        def forward(self, x):
            return x if float(x.sum()) > 0 else -x

    assert bytes_per_pixel(Peeks(), 1, 8) is None
