"""
Whether a value is what an SDK's types say.  Validators let unknown keys of a TypedDict pass, and a
provider does not; so the annotations are read here.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from pydantic import BaseModel, TypeAdapter
from typing_extensions import get_type_hints, is_typeddict

UNIONS = (Union, types.UnionType)
WRAPPERS = (Annotated, Required, NotRequired)


def misfits(annotation: Any, value: Any, at: str = "$") -> list[str]:
    """
    What in the value is not as annotated, by its place; nothing if all is.
    """
    origin = get_origin(annotation)
    if origin in WRAPPERS:
        return misfits(get_args(annotation)[0], value, at)
    if origin in UNIONS:
        tried = [misfits(each, value, at) for each in get_args(annotation)]
        return [] if [] in tried else min(tried, key=len)
    if is_typeddict(annotation):
        return _misfits_of_fields(annotation, value, at)
    if origin is Literal:
        return [] if value in get_args(annotation) else [f"{at} is {value!r}"]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return [] if isinstance(value, dict) else [f"{at} is no object"]
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return _misfits_of_items(get_args(annotation)[0], value, at)
    return _misfits_of_scalar(annotation, value, at)


def _misfits_of_fields(annotation: Any, value: Any, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at} is no object"]
    hints = get_type_hints(annotation, include_extras=True)
    open_to_more = getattr(annotation, "__pydantic_config__", {}).get("extra") == "allow"
    unknown = [] if open_to_more else [f"{at}.{name} is unknown" for name in value.keys() - hints]
    needed = {name for name, hint in hints.items() if _required(annotation, hint)}
    missing = [f"{at}.{name} is missing" for name in needed - value.keys()]
    within = [
        each
        for name in value.keys() & hints
        for each in misfits(hints[name], value[name], f"{at}.{name}")
    ]
    return [*unknown, *missing, *within]


def _required(annotation: Any, hint: Any) -> bool:
    """
    `__required_keys__` is wrong where annotations are text, as they are in SDKs.
    """
    if annotation.__total__:
        return get_origin(hint) is not NotRequired
    return get_origin(hint) is Required


def _misfits_of_items(annotation: Any, value: Any, at: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{at} is no list"]
    found = [misfits(annotation, each, f"{at}[{number}]") for number, each in enumerate(value)]
    return [each for several in found for each in several]


def _misfits_of_scalar(annotation: Any, value: Any, at: str) -> list[str]:
    if annotation in {Any, object} or isinstance(annotation, TypeVar):
        return []
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        # An object of a response, which SDKs take back.  Made of a dictionary it takes any key.
        return [] if isinstance(value, annotation) else [f"{at} is no {annotation.__name__}"]
    try:
        TypeAdapter(annotation).validate_python(value, strict=True)
    except ValueError as exc:
        return [f"{at}: {exc}"]
    return []
