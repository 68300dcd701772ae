"""
Checks a manifest whole: every fault of it, not only the first.  Pure.

Theory of operation.  `manifest.parse` decides whether a manifest may be used, as it does for every
tool; here it is said in full why not.  First come the shapes, along the same types that `parse`
converts to.  Then what is right so far is looked at part by part, each by those who know it:
schemas, limits, rates, paths, domains, places; then the keys together.  A key that is wrong by
itself is left out of what is looked at later, so that one mistake is told once.

Whoever registers a tool is asked for a little more than who installs one: a description that is
there and fits every provider, patterns that end, schemas that are no bombs.

Last, `parse` itself has the word: what it refuses is never without a fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from toolcell_server import manifest as manifests
from toolcell_server.defining import contradictions, entries, schemas, shapes, whole
from toolcell_server.defining.faults import Code, Fault
from toolcell_server.json_pointer import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    Manifest = dict[str, Any]

MAXIMUM_FAULTS: Final = 100
LONGEST_DESCRIPTION: Final = 1000  # characters; about the shortest bound among LLM providers
_PLACEHOLDERS: Final = {"name": "unnamed", "description": "none", "parameters": {"type": "object"}}


def check(manifest: Any, at: str = "") -> list[Fault]:
    """
    Everything that is wrong with a manifest, a JSON value, in the order of the paths; empty: it may
    be registered.  `at` is the pointer at which it stands in what the caller knows.
    """
    found = whole.faults(manifest) or sorted(set(_faults(manifest)))
    if len(found) > MAXIMUM_FAULTS:
        said = f"has {len(found)} faults, of which {MAXIMUM_FAULTS} are listed; mend these first"
        found = [*found[:MAXIMUM_FAULTS], Fault("", Code.MORE, said)]
    return [fault.below(at) for fault in found]


def _faults(manifest: Any) -> list[Fault]:
    found = list(shapes.faults(manifest, shapes.of(manifests.Manifest)))
    if not isinstance(manifest, dict):
        return found
    if "description" not in _wrong(found):
        found += _of_description(manifest["description"])
    for look in (_of_schemas, _of_entries, _together):
        wrong = _wrong(found)
        right = {key: value for key, value in manifest.items() if key not in wrong}
        found += look(right, wrong)
    return found or _of_parse(manifest)


def _of_description(text: str) -> Iterator[Fault]:
    if not text.strip():
        said = "is empty; say what the tool does and when to use it"
        yield Fault("/description", Code.TOO_SHORT, said)
    elif len(text) > LONGEST_DESCRIPTION:
        said = f"has {len(text)} characters; at most {LONGEST_DESCRIPTION} are allowed"
        yield Fault("/description", Code.TOO_LONG, said)


def _wrong(found: list[Fault]) -> frozenset[str]:
    """
    The keys of the manifest of which something is known to be wrong.
    """
    return frozenset(parse(fault.path)[0] for fault in found if fault.path)


def _of_schemas(right: Manifest, _wrong: frozenset[str]) -> Iterator[Fault]:
    for key, of_arguments in (("parameters", True), ("returns", False)):
        if right.get(key) is not None:
            found = schemas.faults(right[key], of_arguments=of_arguments)
            yield from (fault.below(f"/{key}") for fault in found)


def _of_entries(right: Manifest, _wrong: frozenset[str]) -> Iterator[Fault]:
    """
    What is wrong with each key by itself, and with what it says of the arguments.
    """
    for key, part in entries.PARTS.items():
        if key in right:
            yield from (fault.below(f"/{key}") for fault in part(right[key], right))
    for key in manifests.NOT_BUILT:
        if right.get(key):
            said = "is not supported by this server yet; leave it out"
            yield Fault(f"/{key}", Code.NOT_SUPPORTED, said)


def _together(right: Manifest, wrong: frozenset[str]) -> Iterator[Fault]:
    """
    What the keys that are right contradict in each other.
    """
    made = msgspec.convert({**_PLACEHOLDERS, **right}, manifests.Manifest)
    for each in contradictions.find(made):
        if not each.keys & wrong:
            yield Fault(each.at, Code.CONTRADICTION, each.text)
    yield from entries.effects_faults(right)


def _of_parse(manifest: dict[str, Any]) -> list[Fault]:
    try:
        manifests.parse(manifest)
    except (ValueError, TypeError, AttributeError, RecursionError) as exc:
        return [Fault("", Code.MALFORMED, str(exc) or type(exc).__name__)]
    return []
