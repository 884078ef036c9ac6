"""Networks rewritten for speed and memory; their outputs stay the same within float32 rounding.

``fuse`` applies all rewrites: batch norms into convolutions, ``relu``, ``upsampling``, and ``unet_memory``, which frees
feature maps as a U-Net's decoder uses them. ``successors`` finds layers whose output only one other layer takes.
May import: torch, errors.
"""
