"""A small mutation fuzzer, and atheris in its place where that is installed.

A target is a function of bytes. It may raise :class:`geoseg.errors.GeosegError` with a message of one line; everything
else that it raises, and every run that takes more time or memory than a limit, is a find. Its module may have a
function ``mutate``, which keeps the outer form of inputs (see ``structures``); four in five mutations are then its own.

Run a target by hand, here for 300 seconds::

    python -m tests.security.fuzz.runner cards 300
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from geoseg.errors import GeosegError
from tests.security.fuzz.structures import Mutate

Target = Callable[[bytes], None]

# A single run that takes longer is a find: inputs are small.
_SLOW_SECONDS = 5.0
# And one that never returns ends the process, with a traceback; a crash leaves its input in this file.
_HANG_SECONDS = 60
_CURRENT = Path(tempfile.gettempdir()) / "geoseg-fuzz-current"
# Growth of the process's peak memory in a single run.
_MOST_BYTES = 512 * 2**20

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

    def save(self, name: str) -> None:
        """Write the inputs to files and print where they are."""
        for number, (kind, data) in enumerate(self.kinds.items(), 1):
            path = Path(tempfile.gettempdir()) / f"geoseg-fuzz-{name}-{number}"
            path.write_bytes(data)
            print(f"{path}: {kind}", flush=True)


def guarded(target: Target, data: bytes) -> str | None:
    """Run a target once; return the kind of defect, or None."""
    start, memory = time.perf_counter(), _peak()
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
    if _peak() - memory > _MOST_BYTES:
        return "memory"
    return None


def _peak() -> int:
    """Return the peak of the process's memory in bytes; 0 where the system does not tell."""
    with contextlib.suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return 0


def campaign(
    target: Target,
    seeds: Sequence[bytes],
    seconds: float,
    *,
    seed: int = 0,
    least: int = 0,
    mutate: Mutate | None = None,
    before: Callable[[bytes], object] | None = None,
) -> Finds:
    """Run the seeds, then mutations of them, for some time and at least some; ``before`` is called with each input."""
    rng, finds, start = random.Random(seed), Finds(), time.perf_counter()
    pool = list(seeds)
    while (passed := time.perf_counter() - start) < seconds or finds.runs < least:
        data = pool[finds.runs] if finds.runs < len(pool) else _next(rng.choice(pool), rng, pool, mutate)
        if before is not None:
            before(data)
        kind = guarded(target, data)
        if kind is not None:
            finds.kinds.setdefault(kind, data)
        finds.runs += 1
    finds.seconds = passed
    return finds


def _next(data: bytes, rng: random.Random, pool: Sequence[bytes], mutate: Mutate | None) -> bytes:
    own = mutate is not None and rng.random() < 0.8
    return mutate(data, rng, pool) if mutate is not None and own else mutated(data, rng, pool)


def mutated(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    """Change bytes, and values of JSON texts."""
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


def coverage_guided(name: str, seconds: int) -> None:
    """Run atheris with the target's own mutations as well; ends the process."""
    import atheris

    with atheris.instrument_imports(include=["geoseg"]):
        module = importlib.import_module(f"tests.security.fuzz.fuzz_{name}")
        seeds = module.seeds()
        for data in seeds:  # imports the rest
            guarded(module.target, data)
    finds, start, before = Finds(), time.monotonic(), _watch()
    own: Mutate | None = getattr(module, "mutate", None)

    def once(data: bytes) -> None:
        before(data)
        finds.runs += 1
        kind = guarded(module.target, data)
        if kind is not None:
            finds.kinds.setdefault(kind, data)
        finds.seconds = time.monotonic() - start
        if finds.seconds > seconds:
            print(finds, flush=True)
            finds.save(name)
            os._exit(bool(finds.kinds))

    def mutation(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        return _next(data, rng, seeds, own)[:most] if rng.random() < 0.8 else atheris.Mutate(data, most)

    with tempfile.TemporaryDirectory(prefix="geoseg_fuzz_") as folder:
        for number, data in enumerate(seeds):
            (Path(folder) / str(number)).write_bytes(data)
        arguments = [sys.argv[0], f"-max_total_time={seconds + 60}", "-max_len=262144", "-rss_limit_mb=8000", folder]
        atheris.Setup(arguments, once, custom_mutator=mutation)
        atheris.Fuzz()


def _watch() -> Callable[[bytes], None]:
    """Return a function that keeps the present input in a file and ends the process if its run does not return."""
    handle = os.open(_CURRENT, os.O_RDWR | os.O_CREAT | os.O_TRUNC)

    def before(data: bytes) -> None:
        os.ftruncate(handle, 0)
        os.pwrite(handle, data, 0)
        faulthandler.dump_traceback_later(_HANG_SECONDS, exit=True)

    return before


def main() -> None:
    """Run one target: ``runner NAME SECONDS [atheris]``."""
    name, seconds = sys.argv[1], int(sys.argv[2])
    if "atheris" in sys.argv[3:]:
        coverage_guided(name, seconds)
    module = importlib.import_module(f"tests.security.fuzz.fuzz_{name}")
    finds = campaign(module.target, module.seeds(), seconds, mutate=getattr(module, "mutate", None), before=_watch())
    print(finds)
    finds.save(name)
    sys.exit(bool(finds.kinds))


if __name__ == "__main__":
    main()
