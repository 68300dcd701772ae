"""
What an author may get wrong about schemas and about what is done to arguments: told while the tool
is written.  The server, which trusts no author, checks all of it again, and more.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_worker.manifest_shape import Manifest

ScreenAction = Literal["report", "refuse"]
ResultScreen = Literal["html", "control"]
ResultAction = Literal["report", "strip", "refuse"]
DIALECTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "http://json-schema.org/draft-07/schema",
)
TRANSFORM = re.compile(r"trim|lower|strip_control|nfc|max_length:[1-9]\d{0,6}")
SCREENS = ("sql", "nosql", "shell", "path", "url", "html", "template")


def complaints(manifest: Manifest) -> Iterator[str]:
    """
    What is wrong with schemas, transforms and screens, with the remedy.
    """
    parameters, returns = manifest.parameters, manifest.returns
    transforms, screens = manifest.transforms, manifest.screens
    for what, schema in (("parameters", parameters), ("returns", returns or {})):
        dialect = schema.get("$schema", DIALECTS[0])
        if not isinstance(dialect, str) or dialect.rstrip("#") not in DIALECTS:
            yield f"$schema of {what} is {dialect!r:.80}; use {' or '.join(DIALECTS)}"
    for table, places in (("transforms", transforms), ("screens", screens)):
        for place in places:
            yield from _place(table, place, parameters)
    for name in itertools.chain.from_iterable(transforms.values()):
        if not TRANSFORM.fullmatch(name):
            known = "trim, lower, strip_control, nfc, max_length:N"
            yield f"the transform {name!r:.40} is not known; use {known}"
    for kind in itertools.chain.from_iterable(screens.values()):
        if kind not in SCREENS:
            yield f"the screen {kind!r:.40} is not known; use {', '.join(SCREENS)}"


def _place(table: str, place: str, parameters: Mapping[str, Any]) -> Iterator[str]:
    first, *steps = place.split("/")
    if first or (table == "transforms" and not steps):
        yield f'{table}: {place!r:.80} is no place; write it as "/name" or "/list/*/name"'
        return
    name = steps[0].replace("~1", "/").replace("~0", "~") if steps else "*"
    known = parameters.get("properties", {})
    open_ = "patternProperties" in parameters or parameters.get("additionalProperties")
    if name != "*" and name not in known and not open_:
        yield f"{table}: {place!r:.80} names the parameter {name!r:.40}, which it does not have"
