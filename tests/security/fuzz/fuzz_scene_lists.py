"""Lists of scenes: text, CSV and STAC ItemCollections; the first byte chooses."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Sequence

from geoseg.errors.printable import printable
from geoseg.job.scene_list import read_scenes
from tests.security.fuzz.sandbox import Sandbox
from tests.security.fuzz.scenes import tif
from tests.security.fuzz.structures import json_mutation, lines_mutation

_BOX = Sandbox()
tif(_BOX.folder / "a.tif")
_SUFFIXES = (".txt", ".csv", ".json", ".geojson")
_JSON = json_mutation(("FeatureCollection", "a", "b"))
_LINES = lines_mutation((f"{_BOX.url}/x.tif", "scene", "name", "a.tif;b.tif", "a.tif", "s3://b/x.tif", "scene,name"))


def target(data: bytes) -> None:
    suffix = _SUFFIXES[data[0] % len(_SUFFIXES)] if data else ".txt"
    path = _BOX.write(f"list{suffix}", data[1:])
    with _BOX.watched():
        entries = read_scenes(path)
        assert entries
        for entry in entries:
            assert entry.label
            assert not {unicodedata.category(one) for one in printable(entry.label)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def mutate(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    head, body = data[:1] or b"0", data[1:]
    if rng.random() < 0.05:
        head = bytes([rng.randrange(256)])
    inner = [seed[1:] for seed in pool]
    return head + (_JSON if head[0] % 4 >= 2 else _LINES)(body, rng, inner)


def seeds() -> list[bytes]:
    items = {"type": "FeatureCollection", "features": [{"type": "Feature", "id": name, "assets": {}} for name in "ab"]}
    return [
        b"\0a.tif\n# b.tif\n\nb.tif;c.tif\nhttps://x.test/d.tif\n/vsizip/a.zip/e.tif\n",
        b'\1scene,name\na.tif,north\n"b.tif;c.tif","so, uth"\n# no\nd.tif,\n',
        b"\1path,x,Name\r\na.tif,1,n\r\n",
        b"\2" + json.dumps(items).encode(),
        b"\3" + json.dumps(items).encode(),
    ]
