"""
Schemas of tools, and values for schemas, for hypothesis.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

Schema = dict[str, Any]
NAMES = st.sampled_from(["a", "b", "c", "x.y", "x_y", "1st", "größe", "x y", "a/b~c"])
SCALARS = st.sampled_from([None, True, False, 0, 1, 2.5, "", "one", "two"])
REFERENCES = st.sampled_from(["#/$defs/Leaf", "#/$defs/Node", "#/$defs/Pair"])
DEFINITIONS: Schema = {
    "Leaf": {"type": "string", "enum": ["one", "two"]},
    "Pair": {
        "type": "object",
        "properties": {"left": {"$ref": "#/$defs/Leaf"}, "x.y": {"type": ["integer", "null"]}},
        "required": ["left"],
        "additionalProperties": False,
    },
    "Node": {
        "type": "object",
        "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/Node"}},
    },
}


def _numbers() -> st.SearchStrategy[Schema]:
    bounds = st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={"minimum": st.integers(-2, 0), "exclusiveMaximum": st.integers(2, 4)},
    )
    return bounds.map(dict)


def _leaves() -> st.SearchStrategy[Schema]:
    literal = st.lists(SCALARS, min_size=1, max_size=3, unique_by=repr)
    return st.one_of(
        st.just({"type": "string"}),
        st.just({"type": "string", "minLength": 1}),
        st.just({"type": "boolean"}),
        st.just({"type": ["string", "null"], "default": "one"}),
        st.just({"type": ["integer", "string"]}),
        _numbers(),
        literal.map(lambda values: {"enum": values}),
        SCALARS.map(lambda value: {"const": value}),
        REFERENCES.map(lambda name: {"$ref": name}),
        REFERENCES.map(lambda name: {"$ref": name, "description": "said"}),
    )


def objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    """
    Schemas of objects, some of whose properties are required.
    """

    def required(properties: Schema) -> st.SearchStrategy[Schema]:
        some = st.lists(st.sampled_from(sorted(properties)), unique=True)
        closed = st.sampled_from([{}, {}, {"additionalProperties": False}])
        return st.builds(
            lambda names, rest: {
                "type": "object",
                "properties": properties,
                "required": names,
                **rest,
            },
            some,
            closed,
        )

    return st.dictionaries(NAMES, inner, min_size=1, max_size=3).flatmap(required)


def _around(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        objects(inner),
        inner.map(lambda each: {"type": "array", "items": each, "maxItems": 3}),
        several.map(lambda each: {"anyOf": each}),
        several.map(lambda each: {"oneOf": each}),
        st.tuples(inner, inner).map(lambda pair: {"allOf": list(pair)}),
        st.tuples(objects(inner), several).map(lambda pair: {**pair[0], "anyOf": pair[1]}),
        inner.map(lambda each: {"type": "object", "additionalProperties": each}),
        inner.map(lambda each: {"anyOf": [each, {"type": "null"}], "default": None}),
    )


INNER = st.recursive(_leaves(), _around, max_leaves=6)
TOOLS = objects(INNER).map(lambda schema: {**schema, "$defs": DEFINITIONS})


def valid(value: Any, schema: Schema) -> bool:
    """
    By a validator that is not ours.
    """
    return bool(Draft202012Validator(schema).is_valid(value))


class Values:
    """
    Draws values that try to be valid by a schema; who needs them to be must ask `valid`.
    """

    def __init__(self, root: Any, draw: Any) -> None:
        self.root = root
        self.draw = draw

    def of(self, schema: Any, depth: int = 0) -> Any:
        """
        One value.
        """
        if "$ref" in schema:
            return self.of(self._named(schema["$ref"]), depth)
        if "allOf" in schema:
            return self._joined(schema, depth)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                base = self._typed(schema, depth) if "properties" in schema else None
                chosen = self.of(self.draw(st.sampled_from(schema[word])), depth)
                if isinstance(base, dict) and isinstance(chosen, dict):
                    return {**base, **chosen}
                return chosen
        return self._typed(schema, depth)

    def _joined(self, schema: Schema, depth: int) -> Any:
        parts = [self.of(each, depth) for each in schema["allOf"]]
        if all(isinstance(each, dict) for each in parts):
            return {key: value for each in parts for key, value in each.items()}
        return parts[0]

    def _named(self, reference: str) -> Any:
        found: Any = self.root
        for part in reference.split("/")[1:]:
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found

    def _typed(self, schema: Schema, depth: int) -> Any:
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.draw(st.sampled_from(schema["enum"]))
        kind = schema.get("type", "string")
        kind = self.draw(st.sampled_from(kind)) if isinstance(kind, list) else kind
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            count = 0 if depth > 3 else self.draw(st.integers(schema.get("minItems", 0), 3))
            return [self.of(schema.get("items", {}), depth + 1) for _ in range(count)]
        return self.draw(_scalar(kind))

    def _object(self, schema: Schema, depth: int) -> Schema:
        made = {}
        for name, each in schema.get("properties", {}).items():
            left_out = depth > 3 or self.draw(st.booleans())
            if name in schema.get("required", ()) or not left_out:
                made[name] = self.of(each, depth + 1)
        rest = schema.get("additionalProperties")
        if isinstance(rest, dict) and self.draw(st.booleans()):
            made["free.key"] = self.of(rest, depth + 1)
        return made


def _scalar(kind: str) -> st.SearchStrategy[Any]:
    return {
        "null": st.none(),
        "boolean": st.booleans(),
        "integer": st.integers(-2, 3),
        "number": st.sampled_from([-1, 0, 1.5, 3]),
        "string": st.sampled_from(["", "one", "two", "é"]),
    }[kind]
