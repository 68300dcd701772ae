"""
Whether a value has the shape of a type of the manifest: every part that has not.  Pure.

Theory of operation.  msgspec converts a manifest and stops at the first value that does not fit.
The types are the same ones here, as msgspec describes them, so there is no second list of keys and
bounds; only who walks along them goes on after a fault.
"""

from __future__ import annotations

import difflib
import functools
import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import inspect

from toolcell_server.defining.faults import Code, Fault
from toolcell_server.json_pointer import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FEW: Final = 8  # so many keys can be listed
# What is meant by the patterns of texts, by the key that has one.
_FORMS: Final = {
    "name": "must be at most 64 letters, digits, _ and -, the first a letter or _",
    "version": "must be at most 64 letters, digits and . _ + -, the first a letter or a digit",
    "fallback": 'must be the name of a tool, or "name@version"',
    "scopes": 'must be a word without blanks, " and \\, and not begin with toolcell: or tools:',
}


@functools.cache
def of(kind: type) -> inspect.Type:
    """
    The shape of a type.
    """
    return inspect.type_info(kind)


def faults(value: Any, shape: inspect.Type, at: str = "") -> Iterator[Fault]:
    """
    Every part of a value that is not as its shape says; `at` is where the value stands.
    """
    if look := _LOOKS.get(type(shape)):
        yield from look(value, shape, at)


def _struct(value: Any, shape: inspect.StructType, at: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _wrong(at, "an object", value)
        return
    fields = {field.encode_name: field for field in shape.fields}
    for key, part in value.items():
        if key in fields:
            yield from faults(part, fields[key].type, f"{at}/{key}")
        else:
            yield Fault(f"{at}/{escape(key)}", Code.UNKNOWN_KEY, _unknown(key, list(fields)))
    for name, field in fields.items():
        if field.required and name not in value:
            yield Fault(f"{at}/{name}", Code.REQUIRED, f"is missing; give {name}")


def _unknown(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key[:64], known, n=1)
    if close:
        return f"is not known; did you mean {close[0]}?"
    listed = f"; the keys are {', '.join(known)}" if len(known) <= _FEW else ""
    return f"is not known; leave it out{listed}"


def _items(value: Any, shape: inspect.VarTupleType, at: str) -> Iterator[Fault]:
    if not isinstance(value, list | tuple):
        yield _wrong(at, "a list", value)
        return
    yield from _few(value, shape.max_length, at)
    for index, part in enumerate(value[: shape.max_length]):
        yield from faults(part, shape.item_type, f"{at}/{index}")


def _entries(value: Any, shape: inspect.DictType, at: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _wrong(at, "an object", value)
        return
    yield from _few(value, shape.max_length, at)
    for key, part in value.items():
        below = f"{at}/{escape(key)}"
        yield from faults(key, shape.key_type, below)
        yield from faults(part, shape.value_type, below)


def _few(value: Any, most: int | None, at: str) -> Iterator[Fault]:
    if most is not None and len(value) > most:
        yield Fault(at, Code.TOO_MANY, f"has {len(value)} entries; at most {most} are allowed")


def _union(value: Any, shape: inspect.UnionType, at: str) -> Iterator[Fault]:
    """
    What is wrong by the kind that the value is of; of no kind, all that it could be.
    """
    for kind in shape.types:
        if isinstance(value, _PYTHON[type(kind)]):
            yield from faults(value, kind, at)
            return
    yield _wrong(at, " or ".join(_WORDS[type(kind)] for kind in shape.types), value)


_PYTHON: Final[dict[type, Any]] = {
    inspect.StrType: str,
    inspect.LiteralType: str,
    inspect.BoolType: bool,
    inspect.DictType: dict,
    inspect.NoneType: type(None),
}
_WORDS: Final[dict[type, str]] = {
    inspect.StrType: "a text",
    inspect.LiteralType: "a text",
    inspect.BoolType: "true or false",
    inspect.DictType: "an object",
    inspect.NoneType: "null",
}


def _text(value: Any, shape: inspect.StrType, at: str) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield _wrong(at, "a text", value)
    elif shape.max_length is not None and len(value) > shape.max_length:
        said = f"has {len(value)} characters; at most {shape.max_length} are allowed"
        yield Fault(at, Code.TOO_LONG, said)
    elif shape.pattern is not None and not re.search(shape.pattern, value):
        form = next((form for key, form in _FORMS.items() if f"/{key}" in at), "is malformed")
        yield Fault(at, Code.MALFORMED, f"{form}, not {value!r:.80}")


def _number(value: Any, shape: inspect.IntType | inspect.FloatType, at: str) -> Iterator[Fault]:
    whole = isinstance(shape, inspect.IntType)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        yield _wrong(at, "a whole number" if whole else "a number", value)
    elif not (shape.ge or 0) <= value <= (shape.le or 0):  # each number here has both bounds
        said = f"must be from {shape.ge or 0:g} to {shape.le or 0:g}, not {value!r:.40}"
        yield Fault(at, Code.OUT_OF_RANGE, said)


def _choice(value: Any, shape: inspect.LiteralType, at: str) -> Iterator[Fault]:
    if not isinstance(value, str) or value not in shape.values:
        listed = ", ".join(str(each) for each in shape.values if each)
        yield Fault(at, Code.NOT_ONE_OF, f"must be one of {listed}, not {value!r:.80}")


def _switch(value: Any, _shape: inspect.BoolType, at: str) -> Iterator[Fault]:
    if not isinstance(value, bool):
        yield _wrong(at, "true or false", value)


def _wrong(at: str, expected: str, value: Any) -> Fault:
    return Fault(at, Code.WRONG_TYPE, f"must be {expected}, not {value!r:.80}")


_LOOKS: Final[dict[type, Callable[[Any, Any, str], Iterator[Fault]]]] = {
    inspect.StructType: _struct,
    inspect.VarTupleType: _items,
    inspect.DictType: _entries,
    inspect.UnionType: _union,
    inspect.StrType: _text,
    inspect.IntType: _number,
    inspect.FloatType: _number,
    inspect.LiteralType: _choice,
    inspect.BoolType: _switch,
}
