"""Nearest-neighbour upsampling fused into the convolution after it: 4 multiplications instead of 9.

A U-Net's decoder upsamples its feature map by repeating pixels, concatenates the encoder's map and convolves both with
3 × 3 kernels. Repeating pixels is a transposed convolution with a 2 × 2 kernel of ones, and two successive convolutions
are one. So the upsampled part becomes a transposed convolution of stride 2 with a 4 × 4 kernel (2 × 2 products per
output pixel; the sub-pixel view of upsampling of Shi et al. 2016, arXiv:1609.07009), the encoder's part a convolution
of its own, and neither the upsampled nor the concatenated map is ever created.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional


def fold_upsampling(module: torch.nn.Module, sample: torch.Tensor) -> int:
    """Replace, in place, those decoder blocks of an smp Unet that allow it.

    Parameters
    ----------
    module
        A network in eval mode; batch normalisation may be fused already.
    sample
        Input of the network, float32; one run shows the number of upsampled channels of each block.

    Returns
    -------
    Number of blocks replaced.
    """
    # Importing smp takes two seconds, and a network that has its blocks has imported it.
    decoder = sys.modules.get("segmentation_models_pytorch.decoders.unet.decoder")
    if decoder is None:
        return 0
    places = {
        child: (parent, name)
        for parent in module.modules()
        for name, child in parent.named_children()
        if type(child) is decoder.UnetDecoderBlock and _foldable(child)
    }
    channels: dict[torch.nn.Module, int] = {}

    def count_channels(block: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        channels[block] = (args[0] if args else kwargs["feature_map"]).shape[1]

    hooks = [block.register_forward_pre_hook(count_channels, with_kwargs=True) for block in places]
    try:
        if places:
            module(sample)
    finally:
        for hook in hooks:
            hook.remove()
    for block, count in channels.items():
        parent, name = places[block]
        setattr(parent, name, FoldedBlock(block, count))
    return len(channels)


def _foldable(block: Any) -> bool:
    conv = block.conv1[0]
    return (
        block.interpolation_mode == "nearest"
        and isinstance(block.attention1.attention, torch.nn.Identity)
        and type(conv) is torch.nn.Conv2d
        and (conv.kernel_size, conv.stride, conv.padding) == ((3, 3), (1, 1), (1, 1))
        and (conv.dilation, conv.groups, conv.padding_mode) == ((1, 1), 1, "zeros")
    )


class FoldedBlock(torch.nn.Module):
    """An smp ``UnetDecoderBlock`` whose first convolution takes ``channels`` upsampled inputs, then the skip's."""

    def __init__(self, block: Any, channels: int) -> None:
        super().__init__()
        self.block = block
        weight = block.conv1[0].weight.detach()
        self.register_buffer("above", _with_repeats(weight[:, :channels]), persistent=False)
        self.register_buffer("beside", weight[:, channels:].contiguous(), persistent=False)
        # The first convolution with its normalisation and activation; relu.py replaces it.
        self.join: Callable[[FoldedBlock, torch.Tensor, torch.Tensor | None], torch.Tensor] = _joined
        self.above: torch.Tensor
        self.beside: torch.Tensor

    def forward(
        self,
        feature_map: torch.Tensor,
        target_height: int,
        target_width: int,
        skip_connection: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the output of the block it replaces."""
        block, (rows, cols) = self.block, feature_map.shape[2:]
        if (target_height, target_width) != (2 * rows, 2 * cols):  # the size is not a multiple of the stride
            return block(feature_map, target_height, target_width, skip_connection)  # type: ignore[no-any-return]
        return block.attention2(block.conv2(self.join(self, feature_map, skip_connection)))  # type: ignore[no-any-return]


def _joined(block: FoldedBlock, feature_map: torch.Tensor, skip: torch.Tensor | None) -> torch.Tensor:
    convolution, norm, activation = block.block.conv1
    x = functional.conv_transpose2d(feature_map, block.above, convolution.bias, stride=2, padding=1)
    if skip is not None:
        x.add_(functional.conv2d(skip, block.beside, padding=1))
    return activation(norm(x))  # type: ignore[no-any-return]


def _with_repeats(weight: torch.Tensor) -> torch.Tensor:
    """Return the kernel (in, out, 4, 4) that combines 2 × 2 upsampling and the kernel ``weight`` (out, in, 3, 3)."""
    out, inputs, height, width = weight.shape
    # A transposed convolution is a convolution with the flipped kernel; the kernel of the upsampling is all ones.
    kernels = weight.flip(2, 3).reshape(out * inputs, 1, height, width).double()
    joined = functional.conv_transpose2d(kernels, torch.ones(1, 1, 2, 2, dtype=torch.float64))
    return joined.reshape(out, inputs, height + 1, width + 1).transpose(0, 1).contiguous().to(weight.dtype)
