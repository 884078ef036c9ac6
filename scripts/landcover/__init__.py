"""Recipe of the bundled ``landcover`` model: data and folds, baselines, training, scores, card."""
