"""Mutations that keep the outer form of an input valid, so that they reach what reads its content."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

Mutate = Callable[[bytes, random.Random, Sequence[bytes]], bytes]

# Values where a parser expects others.
VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2**31, 2**63, 10**400, 1e308, -1e-320, 0.5, float("nan"), float("inf"), "", "x", "nan",
    "1e400", "²", "\ud800", "\0", "\x1b[31m", "a\nb", "../x", "/dev/zero", "x" * 5000, [], {}, [[]], [None], {"a": 1},
    "<a>", "{a}", "#b", "?c", ";", ":", "-", "C:\\x", "file:///x", "%2e%2e", "\u202e", "9" * 5000,
)  # fmt: skip


def json_mutation(extra: Sequence[Any] = ()) -> Mutate:
    """Return a mutation of JSON that replaces, removes, repeats, renames and moves values; ``extra`` are its pieces."""
    values = (*VALUES, *extra)

    def mutate(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
        tree = _parsed(data) or _parsed(rng.choice(pool))
        if tree is None:
            return data
        for _ in range(rng.choice((1, 1, 2, 3, 6))):
            places = list(_places(tree))
            if not places:
                break
            _change(*rng.choice(places), [place for place in places if place[0] is not tree], values, rng)
        return json.dumps(tree).encode()

    return mutate


def _parsed(data: bytes) -> Any:
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict | list) else None


def _places(tree: Any) -> Any:
    stack = [tree]
    while stack:
        node = stack.pop()
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            yield node, key
            if isinstance(node[key], dict | list):
                stack.append(node[key])


def _change(node: Any, key: Any, places: list[Any], values: Sequence[Any], rng: random.Random) -> None:
    match rng.randrange(7):
        case 0:
            del node[key]
        case 1 if isinstance(node, list):
            node.insert(key, deepcopy(node[key]))
        case 1 | 2 if isinstance(node, dict):
            node[rng.choice([str(value) for value in values])] = node.pop(key)
        case 3 if places:
            other, place = rng.choice(places)
            if place in other if isinstance(other, dict) else place < len(other):
                node[key] = deepcopy(other[place])
        case 4:
            node[key] = [node[key]] * rng.choice((1, 2, 30))
        case 5 if isinstance(node[key], str):
            node[key] = text_changed(node[key], values, rng)
        case _:
            node[key] = deepcopy(rng.choice(values))


def text_changed(text: str, values: Sequence[Any], rng: random.Random) -> str:
    """Insert one of the values into a text, cut it, or repeat part of it."""
    at, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
    piece = str(rng.choice(values))
    return rng.choice((text[:at] + piece + text[at:], text[:at] + piece, text[at:end], text[:end] + text[at:], piece))


_TEXTS = re.compile(r'(?<=>)[^<>]+(?=<)|(?<==")[^"]*(?=")')
_ELEMENTS = re.compile(r"<([A-Za-z_]\w*)\b[^<>]*(?:/>|>(?:(?!<\1\b).)*?</\1>)", re.DOTALL)


def xml_mutation(extra: Sequence[str] = ()) -> Mutate:
    """Return a mutation of XML that replaces texts and attributes, and removes, repeats and moves elements."""
    values = (*VALUES, *extra)

    def mutate(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
        text = data.decode("utf-8", "replace")
        for _ in range(rng.choice((1, 1, 2, 3, 6))):
            texts, elements = list(_TEXTS.finditer(text)), list(_ELEMENTS.finditer(text))
            kind = rng.randrange(8)
            if kind < 4 and texts:
                match = rng.choice(texts)
                plain = str(rng.choice(values)) if kind < 3 else text_changed(match.group(), values, rng)
                plain = plain.encode("utf-8", "replace").decode()
                new = plain.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
                if rng.random() < 0.95:  # XML has no control characters
                    new = re.sub(r"[\x00-\x08\x0b-\x1f]", "", new)
                text = text[: match.start()] + new + text[match.end() :]
            elif elements:
                match = rng.choice(elements)
                at = rng.choice(elements).start()
                other = rng.choice(pool).decode("utf-8", "replace")
                more = rng.choice(list(_ELEMENTS.finditer(other)) or [match]).group()
                match kind:
                    case 4:
                        text = text[: match.start()] + text[match.end() :]
                    case 5:
                        text = text[: match.end()] + match.group() * rng.choice((1, 2, 40)) + text[match.end() :]
                    case 6:
                        text = text[:at] + more + text[at:]
                    case _:
                        text = text[: match.start()] + more + text[match.end() :]
            if len(text) > 200_000:
                break
        return text.encode("utf-8", "replace")

    return mutate


def lines_mutation(extra: Sequence[str] = ()) -> Mutate:
    """Return a mutation of text in lines and fields, such as CSV."""
    values = (*VALUES, '"', ",", "\t", "#", "\r", "\u2028", "\ufeff", *extra)

    def mutate(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
        lines = data.decode("utf-8", "replace").split("\n")
        for _ in range(rng.choice((1, 1, 2, 4))):
            at = rng.randrange(len(lines))
            other = rng.choice(pool).decode("utf-8", "replace").split("\n")
            match rng.randrange(6):
                case 0 if len(lines) > 1:
                    del lines[at]
                case 1:
                    lines.insert(at, lines[at])
                case 2:
                    lines.insert(at, rng.choice(other))
                case 3:
                    fields = lines[at].split(",")
                    fields[rng.randrange(len(fields))] = str(rng.choice(values))
                    lines[at] = ",".join(fields)
                case _:
                    lines[at] = text_changed(lines[at], values, rng)
        return "\n".join(lines).encode("utf-8", "replace")

    return mutate
