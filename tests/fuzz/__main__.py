"""
`python -m fuzz TARGET --seconds N`: mutates inputs towards code that none has reached.

Needs atheris (`pip install '.[fuzz]'`), which is libFuzzer for Python: the number behind `cov:` is
what it has reached.  What it finds of interest lies in .cache/fuzz/<target>, what breaks a promise
in a file crash-* beside.  `--minimise` fuzzes nothing: it commits what is worth it to the corpus.
`--coverage` says how much of each file the corpus reaches.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz.corpus import CORPUS, inputs, reached, replace, worth_keeping

if TYPE_CHECKING:
    from collections.abc import Sequence

FOUND = Path(__file__).resolve().parents[2] / ".cache/fuzz"
NAMES = ("dns", "client_hello", "http", "proxy")
MAXIMUM_BYTES = 4096  # more only makes it slow; the bounds themselves have tests of their own


def main(arguments: Sequence[str]) -> None:
    given = _parse(arguments)
    found = FOUND / given.target
    found.mkdir(parents=True, exist_ok=True)
    if given.minimise:
        minimise(given.target, found)
    elif given.coverage:
        tell_coverage(given.target)
    else:
        fuzz(given.target, found, given.seconds)


def fuzz(name: str, found: Path, seconds: int) -> None:
    """
    Does not return: libFuzzer ends the process, with 0 if nothing was found.
    """
    import atheris

    with atheris.instrument_imports(include=["toolcell_server", "h11"]):
        from fuzz.targets import TARGETS

    target = TARGETS[name]
    options = (
        f"-max_total_time={seconds}",
        f"-max_len={MAXIMUM_BYTES}",
        f"-artifact_prefix={FOUND}/crash-{name}-",
        "-timeout=5",
        "-print_final_stats=1",
    )
    atheris.Setup([sys.argv[0], *options, str(found), str(CORPUS / name)], target)
    atheris.Fuzz()


def minimise(name: str, found: Path) -> None:
    from fuzz.targets import TARGETS

    folder = CORPUS / name
    candidates = sorted({*inputs(folder), *inputs(found)}, key=lambda data: (len(data), data))
    kept = worth_keeping(candidates, TARGETS[name])
    replace(folder, kept)
    print(f"{name}: {len(kept)} of {len(candidates)} inputs")


def tell_coverage(name: str) -> None:
    from fuzz.targets import TARGETS

    for file, (lines, every) in reached(inputs(CORPUS / name), TARGETS[name]).items():
        print(f"{Path(file).stem:20} {lines:4} of {every:4} lines")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=NAMES)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--minimise", action="store_true")
    parser.add_argument("--coverage", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
