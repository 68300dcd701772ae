from __future__ import annotations

import enum
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Generator, Iterator  # noqa: TC003  # read from hints
from dataclasses import dataclass, field
from datetime import datetime  # read from hints
from pathlib import Path  # read from hints
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypedDict

import jsonschema
import msgspec
import pytest
from toolcell_worker import Context, DefinitionError, ToolError, reads, stages, tool, writes
from toolcell_worker.authoring import definition_of
from toolcell_worker.errors import ArgumentsInvalid

if TYPE_CHECKING:
    from toolcell_worker.definition import ToolDefinition


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: int
    y: float = 0.5


class Query(TypedDict):
    text: str
    limit: NotRequired[int]


class Node(msgspec.Struct):
    name: str
    children: list[Node] = []


@dataclass
class Tree:
    roots: list[Node] = field(default_factory=list)


class Model:
    """
    Stands for a pydantic model: only its methods are looked at.
    """

    def __init__(self, city: str) -> None:
        self.city = city

    @classmethod
    def model_json_schema(cls, ref_template: str) -> dict[str, Any]:
        place = {"type": "object", "properties": {"city": {"type": "string"}}}
        return {"$ref": ref_template.format(model="Place"), "$defs": {"Place": place}}

    @classmethod
    def model_validate(cls, value: Any) -> Model:
        if not isinstance(value, dict) or "city" not in value:
            raise ValueError("city: Field required")
        return cls(value["city"])

    def model_dump(self, mode: str) -> dict[str, Any]:
        return {"city": self.city}


def declared(function: Any, **options: Any) -> ToolDefinition:
    found = definition_of(tool(**options)(function))
    assert found is not None
    return found


def parameter_schema(annotation: Any) -> dict[str, Any]:
    def takes(value: Any) -> None:
        """Takes a value."""

    takes.__annotations__ = {"value": annotation}
    parameters = declared(takes).manifest["parameters"]
    found = {**parameters["properties"]["value"]}
    if "$defs" in parameters:
        found["$defs"] = parameters["$defs"]
    return found


def call(function: Any, **arguments: Any) -> Any:
    found = definition_of(function) or declared(function)
    return found.call(json.dumps(arguments).encode(), Context())


def test_importing_the_package_loads_nothing_that_tools_need() -> None:
    """
    The walls are modules of this package: a zygote must not pay for msgspec before it is enclosed,
    and the keeper not at all.
    """
    code = "import sys, toolcell_worker; print(sorted({'msgspec', 'asyncio'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=30
    )

    assert done.stdout == "[]\n"


def test_a_decorated_function_is_called_as_before() -> None:
    """
    Tools are tested and reused as plain functions.
    """

    @tool
    def double(number: int) -> int:
        """Doubles."""
        return number * 2

    assert double(4) == 8
    assert double.__name__ == "double"


def test_the_docstring_and_the_annotations_make_the_manifest() -> None:
    """
    This is what a model chooses and calls the tool by.
    """

    @tool
    def search(query: str, limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10) -> list[str]:
        """
        Search the library.

        Use it for books.

        Args:
            query: What to
                look for.
            limit: How many.

        Returns:
            Titles.
        """
        return [query] * limit

    found = definition_of(search)
    assert found is not None
    assert found.manifest["name"] == "search"
    assert found.manifest["version"] == "1"
    assert found.manifest["description"] == "Search the library.\n\nUse it for books."
    assert found.manifest["parameters"] == {
        "type": "object",
        "properties": {
            "query": {"description": "What to look for.", "type": "string"},
            "limit": {
                "description": "How many.",
                "type": "integer",
                "minimum": 1,
                "maximum": 50,
                "default": 10,
            },
        },
        "required": ["query"],
        "additionalProperties": False,
    }
    assert found.manifest["returns"] == {
        "description": "Titles.",
        "type": "array",
        "items": {"type": "string"},
    }


SCHEMAS = {
    "a literal lists its values": (
        Literal["a", "b"],
        {"type": "string", "enum": ["a", "b"]},
    ),
    "an enum lists its values": (
        Colour,
        {"title": "Colour", "type": "string", "enum": ["blue", "red"]},
    ),
    "an optional value may be null": (
        int | None,
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    ),
    "a list says what is in it": (
        list[float],
        {"type": "array", "items": {"type": "number"}},
    ),
    "a dict says what its values are": (
        dict[str, bool],
        {"type": "object", "additionalProperties": {"type": "boolean"}},
    ),
    "a tuple says what stands where": (
        tuple[int, str],
        {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "items": False,
        },
    ),
    "a dataclass is inlined with its defaults": (
        Point,
        {
            "title": "Point",
            "type": "object",
            "properties": {"x": {"type": "integer"}, "y": {"type": "number", "default": 0.5}},
            "required": ["x"],
        },
    ),
    "a TypedDict knows what is not required": (
        Query,
        {
            "title": "Query",
            "type": "object",
            "properties": {"text": {"type": "string"}, "limit": {"type": "integer"}},
            "required": ["text"],
        },
    ),
    "a path is a string": (Path, {"type": "string"}),
    "a moment is a string": (datetime, {"type": "string"}),
    "anything is anything": (Any, {}),
    "a description beside the type is shown": (
        Annotated[str, msgspec.Meta(description="The city.", max_length=9)],
        {"description": "The city.", "type": "string", "maxLength": 9},
    ),
    "a type that contains itself keeps a local reference": (
        Node,
        {
            "$ref": "#/$defs/Node",
            "$defs": {
                "Node": {
                    "title": "Node",
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "children": {
                            "type": "array",
                            "items": {"$ref": "#/$defs/Node"},
                            "default": [],
                        },
                    },
                    "required": ["name"],
                }
            },
        },
    ),
    "so do those of one deep in a type": (
        list[Model | None],
        {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "object", "properties": {"city": {"type": "string"}}},
                    {"type": "null"},
                ]
            },
        },
    ),
    "the definitions of a pydantic model move to the root": (
        Model,
        {"type": "object", "properties": {"city": {"type": "string"}}},
    ),
}


@pytest.mark.parametrize(("annotation", "expected"), SCHEMAS.values(), ids=SCHEMAS)
def test_each_type_has_its_schema(annotation: Any, expected: dict[str, Any]) -> None:
    """
    Providers compile these schemas; a wrong one makes a model call the tool wrongly for ever.
    """
    found = parameter_schema(annotation)

    assert _without_titles(found) == _without_titles(expected)
    jsonschema.Draft202012Validator.check_schema(found)


def test_a_recursive_type_within_another_is_referred_to_from_the_root() -> None:
    """
    `#/$defs/…` counts from the root of the whole schema, not from the parameter.
    """

    @tool
    def plant(tree: Tree) -> None:
        """Plants."""

    found = definition_of(plant)
    assert found is not None
    validator = jsonschema.Draft202012Validator(found.manifest["parameters"])
    good = {"tree": {"roots": [{"name": "a", "children": [{"name": "b"}]}]}}
    bad = {"tree": {"roots": [{"name": "a", "children": [{"name": 1}]}]}}

    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


COERCIONS = {
    "an enum member": (Colour, "red", Colour.RED),
    "a dataclass": (Point, {"x": 3}, Point(3, 0.5)),
    "a path": (Path, "/tmp/x", Path("/tmp/x")),
    "a path in a list": (list[Path], ["/a"], [Path("/a")]),
    "bytes from base64": (bytes, "aGk=", b"hi"),
    "a moment": (datetime, "2024-05-06T07:08:09", datetime(2024, 5, 6, 7, 8, 9)),  # noqa: DTZ001
    "an integer that a model wrote as 3.0": (int, 3.0, 3),
    "such an integer deep in a value": (list[Point], [{"x": 3.0}], [Point(3, 0.5)]),
    "a float stays a float where one is meant": (float, 3.0, 3.0),
    "integer keys": (dict[int, str], {"1": "a"}, {1: "a"}),
}


@pytest.mark.parametrize(("annotation", "given", "expected"), COERCIONS.values(), ids=COERCIONS)
def test_json_becomes_what_the_annotation_says(annotation: Any, given: Any, expected: Any) -> None:
    """
    Otherwise the schema promises what the function does not get.
    """
    received = []

    def takes(value: Any) -> None:
        """Takes a value."""
        received.append(value)

    takes.__annotations__ = {"value": annotation}
    call(takes, value=given)

    assert received == [expected]
    assert type(received[0]) is type(expected)


def test_a_pydantic_model_is_validated_by_itself() -> None:
    """
    Many existing functions take such models.
    """

    @tool
    def locate(place: Model) -> Model:
        """Locates."""
        return place

    assert call(locate, place={"city": "Ulm"}).city == "Ulm"
    with pytest.raises(ArgumentsInvalid, match="'place' is wrong: city: Field required"):
        call(locate, place={})


WRONG_ARGUMENTS = {
    "one is missing": ({}, "the argument 'x' is missing"),
    "one is unknown": ({"x": 1, "z": 1}, "unknown argument 'z'"),
    "one has the wrong type": ({"x": "1"}, "the argument 'x' is wrong: Expected `int`, got `str`"),
    "one is out of bounds": ({"x": 0}, "the argument 'x' is wrong: Expected `int` >= 1"),
    "one is a fraction": ({"x": 1.5}, "the argument 'x' is wrong: Expected `int`, got `float`"),
}


@pytest.mark.parametrize(("given", "message"), WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS)
def test_wrong_arguments_are_named(given: dict[str, Any], message: str) -> None:
    """
    The server checks first; a tool called without it must not run on nonsense either.
    """

    @tool
    def takes(x: Annotated[int, msgspec.Meta(ge=1)], y: int = 2) -> int:
        """Takes."""
        return x + y

    with pytest.raises(ArgumentsInvalid) as caught:
        call(takes, **given)

    assert message in str(caught.value)
    assert caught.value.category == "user"


def test_a_context_is_filled_in_and_hidden_from_the_schema() -> None:
    """
    The model must neither see nor supply it.
    """

    @tool
    def work(context: Context, amount: int = 1) -> float:
        """Works."""
        context.progress(0.5)
        return context.remaining() * amount

    found = definition_of(work)
    assert found is not None
    assert list(found.manifest["parameters"]["properties"]) == ["amount"]
    assert call(work) == float("inf")


def test_a_positional_only_parameter_is_an_argument_like_any_other() -> None:
    """
    JSON has names only.
    """

    @tool
    def divide(a: int, b: int = 2, /) -> float:
        """Divides."""
        return a / b

    assert call(divide, a=9) == 4.5


def _no_annotation(x) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Does."""


def _star(*values: int) -> None:
    """Does."""


def _double_star(**values: int) -> None:
    """Does."""


def _underscore(_x: int) -> None:
    """Does."""


def _no_json(x: complex) -> None:
    """Does."""


def _no_description(x: int) -> None:
    pass


def _wrong_default(x: int = None) -> None:  # type: ignore[assignment]  # noqa: RUF013
    """Does."""


def _unknown_name(x: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Does."""


def _yields_wrongly(x: int) -> int:  # type: ignore[misc]
    """Does."""
    yield x


def _returns_no_json() -> complex:
    """Does."""
    return 1j


def _fine(path: str = "/", host: str = "h:1") -> None:
    """Does."""


MISTAKES = {
    "no annotation": (
        _no_annotation,
        {},
        ["_no_annotation()", "'x'", "has no annotation", "x: str"],
    ),
    "*values": (_star, {}, ["'values'", "use a list"]),
    "**values": (_double_star, {}, ["'values'", "dict"]),
    "an underscore": (_underscore, {}, ["'_x'", "rename it"]),
    "a type without JSON": (_no_json, {}, ["'x'", "complex", "no JSON form", "use str"]),
    "no description": (_no_description, {}, ["_no_description()", "docstring"]),
    "a default of another type": (_wrong_default, {}, ["'x'", "`int | None`"]),
    "a name that is not imported": (_unknown_name, {}, ["Nowhere", "TYPE_CHECKING"]),
    "a generator that says int": (_yields_wrongly, {}, ["Iterator", "not int"]),
    "a result without JSON": (_returns_no_json, {}, ["complex", "returns="]),
    "a name with a space": (_fine, {"name": "a b"}, ["'a b'", "must match"]),
    "a name that is too long": (_fine, {"name": "a" * 65}, ["must match"]),
    "a version with a slash": (_fine, {"version": "1/2"}, ["version", "must match"]),
    "a long description": (_fine, {"description": "x" * 1001}, ["1001", "1000"]),
    "an unknown option": (_fine, {"limit": {}}, ["unknown key 'limit'", "limits"]),
    "an unknown limit": (_fine, {"limits": {"wall": 1}}, ["'wall'", "wall_seconds"]),
    "a limit of zero": (_fine, {"limits": {"wall_seconds": 0}}, ["limits.wall_seconds", "> 0"]),
    "an unknown effect": (
        _fine,
        {"effects": "readonly"},
        ["effects is 'readonly'", "read_only, writes, destructive"],
    ),
    "an unknown access": (
        _fine,
        {"paths": [reads("/"), {"path": "{path}", "access": "ro"}]},
        ["paths[1].access is 'ro'", "read, write, staged"],
    ),
    "an unknown profile": (
        _fine,
        {"profile": "shell"},
        ["profile is 'shell'", "one of compute, net, subprocess"],
    ),
    "an unknown isolation": (
        _fine,
        {"minimum_isolation": 3},
        ["minimum_isolation is 3", "one of basic, strong, full"],
    ),
    "a read-only tool that writes": (
        _fine,
        {"effects": "read_only", "paths": [stages("{path}")]},
        ["read_only", "contradict"],
    ),
    "a path of no parameter": (_fine, {"paths": [reads("{file}")]}, ["'file'", "does not have"]),
    "a relative path": (_fine, {"paths": [reads("data")]}, ["'data'", "absolute"]),
    "a cache for a tool that writes": (_fine, {"cache_ttl_seconds": 5}, ["read_only", "cache"]),
    "retries for a tool that writes": (_fine, {"retry": {"attempts": 2}}, ["read_only", "retry"]),
    "a domain without a port": (
        _fine,
        {"domains": ["example.com"]},
        ["'example.com'", "host:port", 'write it as "api.example.com:443"'],
    ),
    "a domain without a text": (
        _fine,
        {"domains": [{"host": "http://example.com"}]},
        ["{'host': 'http://example.com'}", '{"domain": "…", …}'],
    ),
    "domains without sockets": (
        _fine,
        {"domains": ["example.com:443"], "profile": "compute"},
        ["compute", "net"],
    ),
}


@pytest.mark.parametrize(("function", "options", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_remedy(
    function: Any, options: dict[str, Any], words: list[str]
) -> None:
    """
    The text is all that an author sees: the tool is listed as broken, for this reason.
    """
    with pytest.raises(DefinitionError) as caught:
        tool(**options)(function)

    missing = [word for word in words if word not in str(caught.value)]
    assert missing == [], str(caught.value)


def test_every_option_reaches_the_manifest() -> None:
    """
    The server grants by what the manifest says, and by nothing else.
    """
    options: dict[str, Any] = {
        "name": "fetch",
        "version": "2.1",
        "title": "Fetch",
        "description": "Fetches.",
        "category": "web",
        "tags": ("a", "b"),
        "effects": "read_only",
        "idempotent": True,
        "limits": {"wall_seconds": 5, "memory_bytes": 1000},
        "paths": [reads("/srv/{path}")],
        "domains": ["example.com:443", "{host}"],
        "env": {"LANG": "C"},
        "secrets": ["KEY"],
        "scopes": ["web"],
        "minimum_isolation": "strong",
        "deprecated": "use fetch2",
        "retry": {
            "attempts": 3,
            "on": ["lost"],
            "initial_seconds": 0.1,
            "maximum_seconds": 2.0,
            "multiplier": 3.0,
            "jitter": 0.0,
        },
        "cache_ttl_seconds": 60,
        "cache_scope": "public",
        "approval": True,
        "fallback": "fetch2@1.1",
        "rates": {"calls": "5/minute"},
        "fill_defaults": True,
        "drop_nulls": True,
        "transforms": {"/*": ["trim"]},
        "screens": {"": ["html"]},
        "screen_action": "report",
        "result_screens": ["control"],
        "result_action": "strip",
        "redact_keys": ["token"],
        "price": {"per_call": 0.5, "per_cpu_second": 2.0},
        "audit": "required",
        "conditions": {
            "environments": ["staging"],
            "environment_labels": {"region": "eu"},
            "roles": ["analyst"],
            "labels": {"team": "data"},
        },
    }
    found = declared(_fine, **options, returns={"type": "integer"})

    expected = {**options, "tags": ["a", "b"], "profile": "net", "command": False}
    expected |= {"returns": {"type": "integer"}, "preview": False}
    expected |= {"workspace": "", "stateful": False}
    manifest = {key: value for key, value in found.manifest.items() if key != "parameters"}
    assert manifest == expected


def test_the_path_words_say_what_may_be_done() -> None:
    """
    They are the whole vocabulary of path grants.
    """
    found = [reads("{path}"), writes("/a"), stages("{path}")]

    assert [item["access"] for item in found] == ["read", "write", "staged"]


def _steps() -> Iterator[int]:
    """Counts."""
    yield 1


def _summed() -> Generator[int, None, str]:
    """Counts."""
    yield 1
    return "one"


async def _async_steps() -> AsyncIterator[int]:
    """Counts."""
    yield 1


async def _answer() -> int:
    """Answers."""
    return 42


RETURNS = {
    "an iterator results in nothing": (_steps, {"type": "null"}),
    "a generator results in what it returns": (_summed, {"type": "string"}),
    "an async iterator results in nothing": (_async_steps, {"type": "null"}),
    "a coroutine results in its value": (_answer, {"type": "integer"}),
}


@pytest.mark.parametrize(("function", "expected"), RETURNS.values(), ids=RETURNS)
def test_the_schema_of_the_result_is_of_what_comes_last(function: Any, expected: Any) -> None:
    """
    Yielded values are partial; the result is one value.
    """
    assert declared(function).manifest["returns"] == expected


def test_a_tool_error_carries_what_everybody_needs() -> None:
    """
    Programs read code and category, models the hint, voice agents `spoken`.
    """
    error = ToolError("no such city", "NO_CITY", "user", True, "Try another.", "Which city?")

    assert (error.message, error.code, error.category) == ("no such city", "NO_CITY", "user")
    assert (error.retryable, error.hint, error.spoken) == (True, "Try another.", "Which city?")
    assert str(error) == "no such city"


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, dict):
        kept = {k: _without_titles(v) for k, v in schema.items() if k != "title"}
        if str(kept.get("description", "")).startswith(("Stands for", "Point(")):
            del kept["description"]
        return kept
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema
