"""A small mutation fuzzer, and atheris in its place where that is installed.

A target is a function of bytes. It may raise :class:`geoseg.errors.GeosegError` with a message of one line; everything
else that it raises, and every run that takes longer than a limit, is a find.

Run a target by hand, here for 300 seconds::

    python -m tests.security.fuzz.runner cards 300
"""

from __future__ import annotations

import importlib
import random
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from geoseg.errors import GeosegError

Target = Callable[[bytes], None]

# A single run that takes longer is a find: inputs are small.
_SLOW_SECONDS = 5.0

# Pieces that break parsers, inserted and substituted.
_PIECES = (
    b"null", b"true", b"-1", b"0", b"1e999", b"-1e999", b"NaN", b"1" * 400, b"2147483648", b"9223372036854775808",
    b'""', b"[]", b"{}", b"[" * 200, b'{"a":' * 100, b'"\\ud800"', b'"\\u0000"', b'"\\u001b[31m"', b'"../x"',
    b'"/dev/zero"', b'"http://127.0.0.1:9/"', b"\x00", b"\xff", b"\xed\xa0\x80", b'"' + b"a" * 5000 + b'"', b"0.5",
    b'"x"',
)  # fmt: skip


@dataclass
class Finds:
    """What a campaign found: one input for each kind of defect, and how many inputs were run."""

    runs: int = 0
    seconds: float = 0.0
    kinds: dict[str, bytes] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.runs:,} inputs in {self.seconds:.0f} s, {len(self.kinds)} kinds of defects"]
        return "\n".join([*lines, *(f"  {kind}: {data[:300]!r}" for kind, data in self.kinds.items())])


def guarded(target: Target, data: bytes) -> str | None:
    """Run a target once; return the kind of defect, or None."""
    start = time.perf_counter()
    try:
        target(data)
    except GeosegError as error:
        if "\n" in str(error) or "\x1b" in str(error):
            return f"message of several lines: {type(error).__name__}"
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {where.name} ({where.filename.rpartition('/')[2]}:{where.lineno})"
    if time.perf_counter() - start > _SLOW_SECONDS:
        return "slow"
    return None


def campaign(target: Target, seeds: Sequence[bytes], seconds: float, *, seed: int = 0) -> Finds:
    """Run mutations of the seeds for some time; stops at nothing."""
    rng, finds, start = random.Random(seed), Finds(), time.perf_counter()
    pool = list(seeds)
    while (passed := time.perf_counter() - start) < seconds:
        data = _mutated(rng.choice(pool), rng, pool)
        kind = guarded(target, data)
        if kind is not None:
            finds.kinds.setdefault(kind, data)
        finds.runs += 1
    finds.seconds = passed
    return finds


def _mutated(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(len(changed) + 1)
        length = rng.choice((1, 1, 2, 4, 8, 32))
        match rng.randrange(6):
            case 0:
                changed[at : at + length] = rng.choice(_PIECES)
            case 1:
                changed[at:at] = rng.choice(_PIECES)
            case 2:
                del changed[at : at + length]
            case 3 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            case 4:
                other = rng.choice(pool)
                start = rng.randrange(len(other) + 1)
                changed[at : at + length] = other[start : start + length * 8]
            case _:
                changed = _value_replaced(changed, rng)
    return bytes(changed)


def _value_replaced(data: bytearray, rng: random.Random) -> bytearray:
    """Replace one value of a JSON text: what stands between a colon or comma and the next comma or bracket."""
    marks = [i for i, byte in enumerate(data) if byte in b":,["]
    if not marks:
        return data
    start = rng.choice(marks) + 1
    stop = next((i for i in range(start, len(data)) if data[i] in b",]}"), len(data))
    data[start:stop] = rng.choice(_PIECES)
    return data


def coverage_guided(target: Target, seeds: Sequence[bytes], seconds: int) -> None:
    """Run atheris, which does not return: it ends the process, with a non-zero code at the first find."""
    import tempfile
    from pathlib import Path

    import atheris

    def once(data: bytes) -> None:
        kind = guarded(target, data)
        if kind is not None:
            raise RuntimeError(kind)

    folder = Path(tempfile.mkdtemp(prefix="geoseg_fuzz_"))
    for number, data in enumerate(seeds):
        (folder / str(number)).write_bytes(data)
    # Network, file and memory limits are the target's own affair; libFuzzer bounds time and size of inputs.
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=65536", "-timeout=20", str(folder)], once)
    atheris.Fuzz()


def main() -> None:
    """Run one target: ``runner NAME SECONDS [atheris]``."""
    name, seconds = sys.argv[1], int(sys.argv[2])
    module = importlib.import_module(f"tests.security.fuzz.fuzz_{name}")
    if "atheris" in sys.argv[3:]:
        coverage_guided(module.target, module.seeds(), seconds)
    finds = campaign(module.target, module.seeds(), seconds)
    print(finds)
    sys.exit(bool(finds.kinds))


if __name__ == "__main__":
    main()
