"""
What the Gemini API refuses: each rule as the exception of the google-genai package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asking_providers import SCHEMA, gemini_client, gemini_tools
from google.genai import errors

if TYPE_CHECKING:
    from toolcell_client.testing.providers import ProviderServer

USER = {"role": "user", "parts": [{"text": "hello"}]}
CALL = {"functionCall": {"name": "add", "args": {"a": 1}}}
CALLS = {"role": "model", "parts": [CALL, CALL]}
ANSWER = {"functionResponse": {"name": "add", "response": {"output": 1}}}
COUNTS = "number of function response parts is equal to the number of function call parts"


def contents(*listed: Any) -> dict[str, Any]:
    return {"contents": list(listed)}


def answers(*parts: Any) -> dict[str, Any]:
    return contents(USER, CALLS, {"role": "user", "parts": list(parts)})


def declared(*declarations: Any) -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": list(declarations)}]}


def of_schema(**parameters: Any) -> dict[str, Any]:
    return declared({"name": "add", "parameters": {"type": "OBJECT", **parameters}})


def of_property(**schema: Any) -> dict[str, Any]:
    return of_schema(properties={"a": schema})


def config(**calling: Any) -> dict[str, Any]:
    return {"tools": gemini_tools(), "toolConfig": {"functionCallingConfig": calling}}


# By the rule: what is changed in a good request, and words of the refusal.
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no contents": (contents(), "contents is not specified"),
    "an unknown field": ({"messages": []}, 'Unknown name "messages": Cannot find field.'),
    "an unknown role": (contents(USER | {"role": "assistant"}), "valid role: user, model"),
    "no parts": (contents({"role": "user", "parts": []}), "contents.parts must not be empty"),
    "a part of nothing": (contents({"role": "user", "parts": [{}]}), "required oneof field 'data'"),
    "a part of two": (
        contents({"role": "user", "parts": [{"text": "a", **ANSWER}]}),
        "required oneof field 'data'",
    ),
    "a response missing": (answers(ANSWER), COUNTS),
    "no responses": (contents(USER, CALLS), COUNTS),
    "responses in two turns": (
        contents(USER, CALLS, *[{"role": "user", "parts": [ANSWER]}] * 2),
        COUNTS,
    ),
    "a response too many": (answers(ANSWER, ANSWER, ANSWER), COUNTS),
    "a response without a call": (
        contents(USER, {"role": "user", "parts": [ANSWER]}),
        "comes immediately after a function call turn",
    ),
    "a response of the model": (
        contents(USER, {"role": "model", "parts": [ANSWER]}),
        "function response turn is of the role user",
    ),
    "a response of another function": (
        answers(ANSWER, {"functionResponse": {"name": "sub", "response": {}}}),
        "no call of 'sub'",
    ),
    "an unknown id": (
        answers(ANSWER, {"functionResponse": {"name": "add", "id": "x", "response": {}}}),
        "no call of 'add' with this id",
    ),
    "a response that is no object": (
        answers(ANSWER, {"functionResponse": {"name": "add", "response": 3}}),
        "function_response.response', 3",
    ),
    "a call without a turn of the user": (
        contents(USER, {"role": "model", "parts": [{"text": "hm"}]}, CALLS),
        "comes immediately after a user turn",
    ),
    "a name with a space": (declared({"name": "a b"}), "Invalid function name."),
    "a name of digits": (declared({"name": "1a"}), "Invalid function name."),
    "a long name": (declared({"name": "a" * 129}), "Invalid function name."),
    "a name twice": (declared({"name": "a"}, {"name": "a"}), "Duplicate function declaration"),
    "parameters twice": (
        declared({"name": "a", "parameters": {}, "parametersJsonSchema": SCHEMA}),
        "mutually exclusive",
    ),
    "strict": (declared({"name": "a", "strict": True}), 'Unknown name "strict"'),
    "parameters of an array": (
        declared({"name": "a", "parametersJsonSchema": {"type": "array"}}),
        "should be of OBJECT type",
    ),
    "an object without properties": (of_schema(), "should be non-empty for OBJECT type"),
    "JSON Schema as a Schema": (
        of_schema(properties={"a": {"type": "STRING"}}, additionalProperties=False),
        'Unknown name "additionalProperties"',
    ),
    "a parameter with a dash": (
        of_schema(properties={"a-b": {"type": "STRING"}}),
        "must only contain chars",
    ),
    "an array of anything": (of_property(type="ARRAY"), "items: missing field"),
    "an enum of numbers": (of_property(type="INTEGER", enum=["1"]), "only allowed for STRING"),
    "a format of text": (of_property(type="STRING", format="email"), "'enum' and 'date-time'"),
    "an unknown type": (of_property(type="tuple"), "type: must be specified"),
    "a required stranger": (
        of_schema(properties={"a": {"type": "STRING"}}, required=["b"]),
        "required[0]: property is not defined",
    ),
    "an unknown mode": (config(mode="REQUIRED"), '"REQUIRED"'),
    "allowed names with AUTO": (
        config(mode="AUTO", allowedFunctionNames=["add"]),
        "mode is ANY or VALIDATED",
    ),
    "an allowed name that is not declared": (
        config(mode="ANY", allowedFunctionNames=["sub"]),
        "'sub' is not declared",
    ),
    "a configuration without tools": (
        config(mode="ANY") | {"tools": []},
        "Function calling config is set without function_declarations.",
    ),
}


def ask(server: ProviderServer, changed: dict[str, Any], model: str = "known") -> Any:
    with gemini_client(server) as client:
        return client._api_client.request(
            "post", f"models/{model}:generateContent", contents(USER) | changed
        )


@pytest.mark.parametrize("rule", BAD)
def test_red_when(rule: str, refusing: ProviderServer) -> None:
    changed, words = BAD[rule]

    with pytest.raises(errors.ClientError) as caught:
        ask(refusing, changed)

    assert words in str(caught.value.message)
    assert (400, "INVALID_ARGUMENT") == (caught.value.code, caught.value.status)


@pytest.mark.parametrize(
    "changed",
    [
        answers(ANSWER, ANSWER),
        answers(ANSWER, ANSWER, {"text": "so"}),
        {"tools": gemini_tools()},
        {"tools": [{"function_declarations": [{"name": "a.b:c-d"}]}]},
        of_schema(properties={"a": {"type": "string", "enum": ["x"]}}, required=["a"]),
        config(mode="ANY", allowedFunctionNames=["add"]),
    ],
)
def test_green_when(changed: dict[str, Any], refusing: ProviderServer) -> None:
    with pytest.raises(errors.ClientError, match="no more steps"):
        ask(refusing, changed)


def test_red_when_a_signature_is_not_sent_back(provider: ProviderServer) -> None:
    with pytest.raises(errors.ClientError, match="missing a thought_signature"):
        ask(provider, answers(ANSWER, ANSWER), model="gemini-3-pro")


def test_red_when_the_request_is_not_permitted(refusing: ProviderServer) -> None:
    with (
        gemini_client(refusing, key="another") as client,
        pytest.raises(errors.ClientError, match="API key not valid") as unknown,
    ):
        client.models.generate_content(model="known", contents="hello")
    with pytest.raises(errors.ClientError, match="models/unknown is not found") as missing:
        ask(refusing, {}, model="unknown")

    assert (400, 404) == (unknown.value.code, missing.value.code)
