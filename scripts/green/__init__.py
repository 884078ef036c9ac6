"""Recipe of the bundled ``green`` models: data and labels, disturbances, training, scores, card."""
