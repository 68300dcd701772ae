"""
References within a document.  Pure; what lies outside of it is not fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

_LONGEST_CHAIN: Final = 16  # arbitrary; a reference to a reference is rare
_LONGEST: Final = 1024  # characters; one text can be referred to a hundred thousand times


class NotResolved(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a reference leads out of the document, to nothing, or round in a circle.
    """


def target(document: Mapping[str, Any], reference: Any) -> Any:
    """
    What a reference names.

    Raises:
        NotResolved: it names nothing in this document.
    """
    if not isinstance(reference, str) or not reference.startswith("#/"):
        raise NotResolved(
            f"{reference!r:.120} leads out of the document; put what it names into it"
        )
    if len(reference) > _LONGEST:
        raise NotResolved(f"{reference!r:.120} has more than {_LONGEST} characters")
    found: Any = document
    for part in reference[2:].split("/"):
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        found = _step(found, key)
        if found is _NOTHING:
            raise NotResolved(f"{reference!r:.120} names nothing in the document")
    return found


def resolved(document: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """
    An object of the document, or what its reference leads to.

    Raises:
        NotResolved: the reference leads to no object.
    """
    for _ in range(_LONGEST_CHAIN):
        if not isinstance(value, dict):
            raise NotResolved(f"{value!r:.80} stands where an object belongs")
        if "$ref" not in value:
            return value
        value = target(document, value["$ref"])
    raise NotResolved(f"{value['$ref']!r:.120} leads from reference to reference without end")


_NOTHING: Final = object()


def _step(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(key, _NOTHING)
    if isinstance(value, list) and key.isdecimal() and len(key) < 7 and int(key) < len(value):
        return value[int(key)]
    return _NOTHING
