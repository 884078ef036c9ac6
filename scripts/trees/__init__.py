"""Recipe of ``trees``: labels from tree points, training, scores of positions, baselines, card."""
