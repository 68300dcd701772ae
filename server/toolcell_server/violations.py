"""
What a value violates, in words that name the rule and never the value.  Pure.

Theory of operation.  `error.message` of jsonschema embeds the offending value, whatever its size:
it would leak into logs and burst the trailers of a gRPC status.  So each description is built from
the keyword and the schema's side of it alone; of the value only names of properties are shown,
cut short.  A failed `anyOf` is described by the branch that came closest, if one stands out;
"must be string or null" is worth more to a model than "not valid under any of the given schemas".
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.json_pointer import escape, pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

MAXIMUM_VIOLATIONS: Final = 10  # what fits beside the other details of a gRPC status
MAXIMUM_POINTER: Final = 128
MAXIMUM_DESCRIPTION: Final = 200
_MAXIMUM_ERRORS: Final = 50  # looked at, before equal ones are dropped

Violation = tuple[str, str]  # JSON pointer, description

_RULES: Final[dict[str, Callable[[Any], str]]] = {
    "type": lambda rule: f"must be {_types(rule)}",
    "enum": lambda rule: f"must be one of {_listed(rule)}",
    "const": lambda rule: f"must be {_shown(rule)}",
    "minimum": lambda rule: f"must be at least {rule}",
    "maximum": lambda rule: f"must be at most {rule}",
    "exclusiveMinimum": lambda rule: f"must be more than {rule}",
    "exclusiveMaximum": lambda rule: f"must be less than {rule}",
    "multipleOf": lambda rule: f"must be a multiple of {rule}",
    "minLength": lambda rule: f"must have at least {rule} characters",
    "maxLength": lambda rule: f"must have at most {rule} characters",
    "pattern": lambda rule: f"must match the pattern {rule}",
    "format": lambda rule: f"must be of the format {rule}",
    "minItems": lambda rule: f"must have at least {rule} items",
    "maxItems": lambda rule: f"must have at most {rule} items",
    "uniqueItems": lambda _: "must not have equal items",
    "contains": lambda _: "must have an item of the form that the schema names",
    "minProperties": lambda rule: f"must have at least {rule} properties",
    "maxProperties": lambda rule: f"must have at most {rule} properties",
    "minContains": lambda rule: f"must have at least {rule} items of the form that it names",
    "maxContains": lambda rule: f"must have at most {rule} items of the form that it names",
    "additionalItems": lambda _: "has more items than the schema names",
    "unevaluatedItems": lambda _: "has items that the schema does not name",
    "not": lambda _: "has a form that the schema excludes",
    "anyOf": lambda rule: f"must have one of {len(rule)} forms, and has none",
    "oneOf": lambda rule: f"must have exactly one of {len(rule)} forms",
}


def find(validator: Validator, value: Any) -> list[Violation]:
    """
    What the value violates: bounded in number and size, in the order of the schema.
    """
    errors = itertools.islice(validator.iter_errors(value), _MAXIMUM_ERRORS)
    described = dict.fromkeys(itertools.chain.from_iterable(map(_describe, errors)))
    return [
        (_cut(at, MAXIMUM_POINTER), _cut(description, MAXIMUM_DESCRIPTION))
        for at, description in itertools.islice(described, MAXIMUM_VIOLATIONS)
    ]


def _describe(error: ValidationError) -> Iterator[Violation]:
    at = pointer(error.absolute_path)
    keyword = str(error.validator)
    if keyword in ("anyOf", "oneOf") and (closest := _closest_branch(error)):
        yield from closest
    elif keyword in ("required", "dependentRequired", "dependencies"):
        yield from _missing(error, at, keyword)
    elif keyword in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown(error, at)
    elif keyword in _RULES:
        subject = "has a property whose name " if "propertyNames" in error.schema_path else ""
        yield at, subject + _RULES[keyword](error.validator_value)
    elif error.validator is None:  # the schema `false`
        # jsonschema does not say which part; the pointer is that of the value around it.
        yield at, "holds what the schema never allows"
    else:
        yield at, f"violates {keyword}"


def _missing(error: ValidationError, at: str, keyword: str) -> Iterator[Violation]:
    rule: Any = error.validator_value
    present: Any = error.instance
    if keyword == "required":
        names = rule
    else:
        wanted = (names for key, names in rule.items() if key in present and _is_list(names))
        names = itertools.chain.from_iterable(wanted)
    for name in names:
        if name not in present:
            yield f"{at}/{escape(name)}", "is required"


def _unknown(error: ValidationError, at: str) -> Iterator[Violation]:
    known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    allowed = f"; the properties are {_listed(list(known))}" if known else ""
    present: Any = error.instance
    unknown = [name for name in present if name not in known]
    for name in unknown[:MAXIMUM_VIOLATIONS]:
        yield f"{at}/{escape(name)}", f"is not a property{allowed}"


def _closest_branch(error: ValidationError) -> list[Violation]:
    """
    The violations of the one branch whose type fits; empty if none stands out.
    """
    branches: dict[Any, list[ValidationError]] = defaultdict(list)
    for below in error.context or ():
        branches[below.schema_path[0]].append(below)
    wrong_type = [below for below in error.context or () if _is_wrong_type(below)]
    fitting = [errors for errors in branches.values() if not any(map(_is_wrong_type, errors))]
    if not fitting and wrong_type:
        types = [name for below in wrong_type for name in _as_list(below.validator_value)]
        return [(pointer(error.absolute_path), f"must be {_types(types)}")]
    if len(fitting) == 1:
        return list(itertools.chain.from_iterable(map(_describe, fitting[0])))
    return []


def _is_wrong_type(error: ValidationError) -> bool:
    return error.validator == "type" and not error.path


def _types(rule: Any) -> str:
    names = list(dict.fromkeys(_as_list(rule)))
    return " or ".join(f"{'an' if name[0] in 'aio' else 'a'} {name}" for name in names).replace(
        "a null", "null"
    )


def _as_list(rule: Any) -> list[Any]:
    return rule if _is_list(rule) else [rule]


def _is_list(rule: Any) -> bool:
    return isinstance(rule, list)


def _listed(values: list[Any]) -> str:
    return ", ".join(_shown(value) for value in values)


def _shown(value: Any) -> str:
    return _cut(json.dumps(value, ensure_ascii=False), 60)


def _cut(text: str, maximum: int) -> str:
    return text if len(text) <= maximum else text[: maximum - 1] + "…"
