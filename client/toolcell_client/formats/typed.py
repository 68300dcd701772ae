"""
One subschema of one type in a provider's subset: literals, scalars, arrays, objects.  Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from toolcell_client.formats.json_values import is_of, literals, type_of, types
from toolcell_client.formats.nulls import admits_null
from toolcell_client.formats.schema_parts import escaped
from toolcell_client.formats.told import described

if TYPE_CHECKING:
    from toolcell_client.formats.exporting import Exporting
    from toolcell_client.formats.flattening import Opened

_ANY: Final = ("not", "if", "dependentRequired", "dependentSchemas", "dependencies")
_NUMBER: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
# Keywords that limit values, by the type of value that they say something about.
LIMITS: Final[dict[str, tuple[str, ...]]] = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": (*_NUMBER, "format"),
    "number": (*_NUMBER, "format"),
    "array": ("minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains"),
    "object": ("minProperties", "maxProperties", "propertyNames"),
}
_SHAPES: Final = {
    "object": ("properties", "required", "additionalProperties", "patternProperties"),
    "array": ("items", "prefixItems"),
}


def typed(
    exporting: Exporting, flat: Mapping[str, Any], place: str, opened: Opened
) -> dict[str, Any]:
    """
    A flat schema without unions.
    """
    kinds = _kinds(exporting, flat, place)
    values = literals(flat)
    if values is not None:
        values = [each for each in values if any(is_of(each, kind) for kind in kinds)]
        kinds = list(dict.fromkeys(_kind_of(each, kinds) for each in values))
        flat = {word: flat[word] for word in flat if word != "const"} | {"enum": values}
    if not kinds:
        if exporting.subset.strict or values is not None:
            exporting.blocked(place, "type", "any value is valid, or none", "say what type it has")
        return described({}, flat, {})
    single = [each for each in kinds if each != "null"]
    if len(single) > 1 or any(each in single for each in ("object", "array") if len(kinds) > 1):
        made = [_one(exporting, {**flat, "type": each}, each, place, opened) for each in kinds]
        return exporting.any_of(made, flat, place)
    made_one = _one(exporting, flat, single[0] if single else "null", place, opened)
    return nullable(made_one) if single and "null" in kinds else made_one


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """
    An exported schema that admits null, too.
    """
    if "anyOf" in schema:
        if {"type": "null"} in schema["anyOf"]:
            return schema
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if not isinstance(schema.get("type"), str) or schema["type"] in ("object", "array"):
        text = schema.get("description", "")
        plain = {word: each for word, each in schema.items() if word != "description"}
        made: dict[str, Any] = {"anyOf": [plain, {"type": "null"}]}
        return {**made, "description": text} if text else made
    if schema["type"] == "null":
        return schema
    made = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema or "const" in schema:
        made["enum"] = [*schema.get("enum", [schema.get("const")]), None]
        made.pop("const", None)
    return made


def _kinds(exporting: Exporting, flat: Mapping[str, Any], place: str) -> list[str]:
    said = types(flat)
    if said is not None:
        return [each for each in said if each != "integer" or "number" not in said]
    values = literals(flat)
    if values is not None:
        return list(dict.fromkeys(type_of(each) for each in values))
    said_of = {**LIMITS, **{kind: (*_SHAPES[kind], *LIMITS[kind]) for kind in _SHAPES}}
    found = next((kind for kind in said_of if any(word in flat for word in said_of[kind])), None)
    if found is None:
        return []
    exporting.note(place, "type", f"none is said; exported as {found}", f'say "type": "{found}"')
    return [found]


def _kind_of(value: Any, kinds: list[str]) -> str:
    kind = type_of(value)
    return "number" if kind == "integer" and "integer" not in kinds else kind


def _one(
    exporting: Exporting, flat: Mapping[str, Any], kind: str, place: str, opened: Opened
) -> dict[str, Any]:
    made: dict[str, Any] = {"type": kind}
    if kind == "object":
        made |= _object(exporting, flat, place, opened)
    if kind == "array":
        made |= _array(exporting, flat, place, opened)
    if "enum" in flat:
        _literals(exporting, made, [each for each in flat["enum"] if is_of(each, kind)], place)
    told: dict[str, Any] = {}
    for word in (*LIMITS.get(kind, ()), *_ANY):
        if word not in flat or (word == "uniqueItems" and not flat[word]):
            continue
        if exporting.subset.takes(word, flat[word]):
            made[word] = flat[word]
        else:
            told |= {word: flat[word]} if word != "if" else _condition(flat)
            exporting.told(place, word)
    return described(made, flat, told)


def _condition(flat: Mapping[str, Any]) -> dict[str, Any]:
    return {word: flat[word] for word in ("if", "then", "else") if word in flat}


def _literals(exporting: Exporting, made: dict[str, Any], values: list[Any], place: str) -> None:
    subset = exporting.subset
    if made["type"] == "null":
        return
    if made["type"] in ("object", "array"):
        exporting.blocked(place, "enum", "a value is an object or a list", "use scalars")
    elif not subset.const and made["type"] == "boolean":
        if len(values) == 1:
            exporting.told(place, "enum")
            made["description"] = f"Always {str(values[0]).lower()}."
    elif len(values) == 1 and subset.const:
        made["const"] = values[0]
    else:
        made["enum"] = values


def _array(
    exporting: Exporting, flat: Mapping[str, Any], place: str, opened: Opened
) -> dict[str, Any]:
    items = flat.get("items", True)
    first = items if isinstance(items, list) else flat.get("prefixItems")
    if first and not exporting.subset.takes("prefixItems", first):
        exporting.blocked(
            place,
            "prefixItems",
            "items differ by their position",
            "use an object with a property for each",
        )
        return {}
    made: dict[str, Any] = {}
    if first:
        made["prefixItems"] = [
            exporting.node(each, f"{place}/prefixItems/{index}", opened)
            for index, each in enumerate(first)
        ]
    if isinstance(items, list):
        items = flat.get("additionalItems", True)
    if items is False:
        return {**made, "maxItems": len(first or ())}
    return {**made, "items": exporting.node(items, f"{place}/items", opened)}


def _object(
    exporting: Exporting, flat: Mapping[str, Any], place: str, opened: Opened
) -> dict[str, Any]:
    declared = {
        name: each for name, each in flat.get("properties", {}).items() if each is not False
    }
    required = list(flat.get("required", ()))
    _check_free_keys(exporting, flat, declared, place)
    made = {
        name: exporting.node(each, f"{place}/properties/{escaped(name)}", opened)
        for name, each in declared.items()
    }
    if not exporting.subset.strict:
        kept = {"properties": made, **({"required": required} if required else {})}
        return kept | _free_keys(exporting, flat, place, opened)
    if exporting.subset.all_required:
        for name, each in declared.items():
            if name not in required and not _null_is_there(exporting, name, each, place):
                made[name] = nullable(made[name])
        required = list(made)
    return {"properties": made, "required": required, "additionalProperties": False}


def _null_is_there(exporting: Exporting, name: str, schema: Any, place: str) -> bool:
    if not admits_null(schema, exporting.root, exporting.budget):
        return False
    if isinstance(schema, Mapping) and schema.get("default") is not None:
        exporting.note(
            f"{place}/properties/{escaped(name)}",
            "default",
            "null is a value of its own, so the model cannot leave it out to get the default",
            "let the type have no null",
        )
    return True


def _check_free_keys(
    exporting: Exporting, flat: Mapping[str, Any], declared: Mapping[str, Any], place: str
) -> None:
    for name in flat.get("required", ()):
        if name not in declared and exporting.subset.strict:
            remedy = "declare it in properties"
            exporting.blocked(place, "required", f"{name!r:.80} is not declared", remedy)
    if flat.get("patternProperties"):
        remedy = "use a list of objects with a property for the key"
        exporting.blocked(place, "patternProperties", "keys are free", remedy)
    if not exporting.subset.strict:
        return
    remedy = "declare the properties, or use a list of objects with a property for the key"
    free = [
        word
        for word in ("additionalProperties", "unevaluatedProperties")
        if flat.get(word, False) is not False
    ]
    if not free and place and not declared and flat.get("additionalProperties") is not False:
        free = ["properties"]
    for word in free:
        exporting.blocked(place, word, "keys are free", remedy)


def _free_keys(
    exporting: Exporting, flat: Mapping[str, Any], place: str, opened: Opened
) -> dict[str, Any]:
    rest = flat.get("additionalProperties", True)
    if flat.get("patternProperties"):
        return {}
    if isinstance(rest, Mapping):
        rest = exporting.node(rest, f"{place}/additionalProperties", opened)
    return {} if rest is True or rest == {} else {"additionalProperties": rest}
