"""
What `google-genai` hands out is read as the wire is, and it sends what is written.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from chunking import read
from google import genai
from google.genai import types
from toolcell_client.formats.gemini import FORMAT
from toolcell_client.formats.offered import Offer
from toolcell_client.formats.turns import Answer, Stop, Tokens, ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.formats.turns import WireTurn

PARTS: list[dict[str, Any]] = [
    {"text": "Two questions.", "thought": True},
    {"text": "I look both up."},
    {
        "functionCall": {"name": "get_weather", "args": {"city_name": "Oslo", "unit": None}},
        "thoughtSignature": "AAEC",
    },
    {"functionCall": {"id": "a1", "name": "get_time", "args": {}}},
]
RESPONSE: dict[str, Any] = {
    "candidates": [
        {"content": {"role": "model", "parts": PARTS}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 9},
    "modelVersion": "gemini-test",
    "responseId": "r1",
}
ASKED = [FORMAT.said("user", "Oslo?")]
DEFINITIONS = FORMAT.definitions(
    [Offer(name="get_weather", description="Tells.", parameters={"type": "object"})]
)


class Provider:
    """
    Streams where it is asked to, one part a chunk, and keeps what it was sent.
    """

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(json.loads(request.content))
        if "stream" not in request.url.path:
            return httpx2.Response(200, json=RESPONSE)
        candidates = [{"content": {"role": "model", "parts": [each]}} for each in PARTS]
        told = [
            {**RESPONSE, "candidates": [each]} for each in (*candidates, {"finishReason": "STOP"})
        ]
        lines = "".join(f"data: {json.dumps(each)}\r\n\r\n" for each in told)
        return httpx2.Response(200, text=lines, headers={"content-type": "text/event-stream"})


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def client(provider: Provider) -> Iterator[genai.Client]:
    http = httpx2.Client(transport=httpx2.MockTransport(provider.answer))
    options = types.HttpOptions(httpx_client=http)
    with http:
        yield genai.Client(api_key="none", http_options=options)


def check(turn: WireTurn) -> None:
    assert [
        ("r1_0", "get_weather", {"city_name": "Oslo", "unit": None}),
        ("a1", "get_time", {}),
    ] == [(each.call_id, each.name, each.arguments) for each in turn.calls]
    assert "I look both up." == turn.text
    assert (Stop.END, Tokens(input=3, output=9)) == (turn.stop, turn.tokens)
    assert ({"role": "model", "parts": PARTS},) == turn.messages


def test_a_response_of_the_sdk_is_read(client: genai.Client) -> None:
    check(FORMAT.turn(client.models.generate_content(model="gemini-test", contents=ASKED)))


def test_the_chunks_of_a_stream_are_read(client: genai.Client) -> None:
    chunks = client.models.generate_content_stream(model="gemini-test", contents=ASKED)

    check(read(FORMAT, chunks).turn)


def test_what_the_sdk_dumps_is_read_whichever_way_it_is_dumped(client: genai.Client) -> None:
    """
    With names of attributes, with nothing left out, and with signatures as bytes.
    """
    response = client.models.generate_content(model="gemini-test", contents=ASKED)

    check(FORMAT.turn(response.model_dump()))
    check(FORMAT.turn(response.model_dump(mode="json")))
    check(FORMAT.turn(response.to_json_dict()))
    check(FORMAT.turn(RESPONSE))


def test_the_sdk_sends_what_is_written(client: genai.Client, provider: Provider) -> None:
    """
    Turn, results, definitions and choice, as one request; no id that was made up.
    """
    turn = FORMAT.turn(RESPONSE)
    answers = [Answer(call=ToolCall(raw=each), value=3) for each in turn.calls]
    history = [*ASKED, *turn.messages, *FORMAT.results(answers)]
    config = {"tools": DEFINITIONS, **FORMAT.choice("required", ["get_weather"], parallel=None)}
    contents: Any = history
    settings: Any = config
    client.models.generate_content(model="gemini-test", contents=contents, config=settings)

    (sent,) = provider.sent
    assert history == sent["contents"]
    assert "r1_0" not in json.dumps(sent)
    assert {"mode": "ANY", "allowedFunctionNames": ["get_weather"]} == (
        sent["toolConfig"]["functionCallingConfig"]
    )
    # ProtoJSON takes both spellings, and the SDK writes this one.
    assert [
        {
            "functionDeclarations": [
                {
                    "name": "get_weather",
                    "description": "Tells.",
                    "parameters_json_schema": {"type": "object"},
                }
            ]
        }
    ] == sent["tools"]


def test_an_empty_response_of_the_sdk_is_one(client: genai.Client) -> None:
    empty = types.GenerateContentResponse(sdk_http_response=types.HttpResponse(headers={}))

    assert Stop.UNKNOWN is FORMAT.turn(empty).stop
