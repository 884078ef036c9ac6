"""The recipe of the bundled ``water`` model: water, snow, cloud and shadow, learned from a larger network's answers."""
