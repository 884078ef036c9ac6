"""Networks rewritten for speed and memory; their outputs stay the same within float32 rounding.

``fuse`` is the door: batch norms into convolutions, with ``relu``, ``upsampling``; ``unet_memory`` frees feature maps
as a U-Net's decoder uses them; ``successors`` finds modules whose output only one other module consumes.
May import: torch, errors.
"""
