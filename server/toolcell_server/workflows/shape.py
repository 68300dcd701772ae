"""
The form of a definition, as a JSON Schema.  Pure.
"""

from __future__ import annotations

from typing import Any, Final

from jsonschema import Draft202012Validator

_NAME: Final = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"}
_TEXT: Final = {"type": "string", "maxLength": 1000}
_SECONDS: Final = {"type": "number", "exclusiveMinimum": 0, "maximum": 7 * 24 * 3600}
_CALL: Final[dict[str, Any]] = {
    "tool": {"type": "string", "minLength": 1, "maxLength": 255},
    "version": {"type": "string", "maxLength": 255},
    "arguments": {"type": "object"},
}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


_STEP: Final = _object(
    {
        "name": _NAME,
        "description": _TEXT,
        **_CALL,
        "needs": {"type": "array", "items": {"type": "string", "maxLength": 63}, "maxItems": 1000},
        "when": {"type": "string", "minLength": 1},
        "for_each": {"type": ["string", "array"]},
        "parallel": {"type": "integer", "minimum": 1},
        "retry": _object(
            {
                "attempts": {"type": "integer", "minimum": 1, "maximum": 10},
                "delay": {"type": "number", "minimum": 0, "maximum": 3600},
                "backoff": {"type": "number", "minimum": 1, "maximum": 10},
            },
            "attempts",
        ),
        "fallback": _object(_CALL, "tool"),
        "timeout": _SECONDS,
        "on_failure": {"enum": ["stop", "continue", "compensate"]},
        "compensate": _object(_CALL, "tool"),
    },
    "name",
    "tool",
)
SCHEMA: Final = _object(
    {
        "name": _NAME,
        "description": _TEXT,
        "inputs": {"type": "object"},
        "steps": {"type": "array", "items": _STEP, "minItems": 1},
        "outputs": {"type": "object"},
        "timeout": _SECONDS,
        "parallel": {"type": "integer", "minimum": 1},
    },
    "steps",
)
VALIDATOR: Final = Draft202012Validator(SCHEMA)
