"""Which places are kept for validation: blocks of ground, or the user's groups.

``groups`` reads groups of images; ``split`` chooses places so that every class is on both sides; ``split_choice``
decides which of the two applies. In: label counts per place. Out: per image, the pixels to learn from and to judge by.
May import: train.data, train.options.
"""
