"""
JSON values to annotated types and back: msgspec, and what it lacks (paths, pydantic models).

Pydantic is never imported: a class that has its methods is treated as one.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

import msgspec


def is_model(annotation: Any) -> bool:
    """
    Whether a type is a pydantic model, by what it can do.
    """
    wanted = ("model_validate", "model_json_schema", "model_dump")
    return isinstance(annotation, type) and all(hasattr(annotation, name) for name in wanted)


def schema_hook(annotation: Any) -> dict[str, Any]:
    """
    Schema of a type that msgspec does not know.

    Raises:
        NotImplementedError: neither do we.
    """
    if is_model(annotation):
        schema: dict[str, Any] = annotation.model_json_schema(ref_template="#/$defs/{model}")
        return schema
    if isinstance(annotation, type) and issubclass(annotation, PurePath):
        return {"type": "string"}
    raise NotImplementedError(f"{annotation} is not supported")


def from_json(value: Any, annotation: Any) -> Any:
    """
    A value as `json.loads` gives it, as the annotated type.

    Raises:
        msgspec.ValidationError: it is not one.
    """
    try:
        return msgspec.convert(value, annotation, str_keys=True, dec_hook=_decode)
    except msgspec.ValidationError:
        # JSON Schema calls 3.0 an integer, and models write it; msgspec does not.
        if not _has_float(value):
            raise
    whole = _with_integers(value)
    return msgspec.convert(whole, annotation, str_keys=True, dec_hook=_decode)


def enc_hook(value: Any) -> Any:
    """
    JSON-compatible form of a value that msgspec cannot encode.

    Raises:
        NotImplementedError: it has none.
    """
    if is_model(type(value)):
        return value.model_dump(mode="json")
    if isinstance(value, PurePath):
        return str(value)
    raise NotImplementedError(f"{type(value)} is not supported")


def _decode(annotation: Any, value: Any) -> Any:
    if is_model(annotation):
        return annotation.model_validate(value)  # pydantic's ValidationError is a ValueError
    if isinstance(annotation, type) and issubclass(annotation, PurePath):
        if not isinstance(value, str):
            raise TypeError(f"Expected `str`, got `{type(value).__name__}`")
        return Path(value) if issubclass(annotation, Path) else annotation(value)
    raise NotImplementedError(f"{annotation} is not supported")


def _has_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_float, value.values()))
    if isinstance(value, list):
        return any(map(_has_float, value))
    return isinstance(value, float)


def _with_integers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_integers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
