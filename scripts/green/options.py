"""Options of the recipes that learn from pictures of cities: ``train_green.py`` and ``train_trees.py``."""

from __future__ import annotations

import argparse
from pathlib import Path


def parser_of(description: str | None, steps: int) -> argparse.ArgumentParser:
    """Return a parser of what both recipes are told; ``steps`` is the default number of training steps."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with the tiles and tree points")
    parser.add_argument("-o", "--output", type=Path, help="model folder to write; nothing is written by default")
    parser.add_argument("--nir", action="store_true", help="train the model of four bands")
    parser.add_argument("--folds", action="store_true", help="cross-validate the recipe by pairs of cities")
    parser.add_argument("--measured", type=Path, help="JSON that an earlier run printed, whose scores go into the card")
    parser.add_argument("--work", type=Path, help="folder for what an interrupted run goes on from; none by default")
    parser.add_argument("--steps", type=int, default=steps, help="training steps, %(default)s by default")
    parser.add_argument("--seed", type=int, default=0, help="random seed, %(default)s by default")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads, all by default")
    return parser
