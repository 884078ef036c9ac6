"""What a training starts from: the untrained card, the network, and pretrained weights.

In: images, split and options; a model to fine-tune; files or names of weights. Out: a card without weights, and a
network in float32 on the CPU. May import what the rest of ``train`` may, but for what trains it.
"""
