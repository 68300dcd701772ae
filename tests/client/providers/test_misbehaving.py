"""
The ways in which providers misbehave, on request.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anthropic
import httpx2
import openai
import pytest
from asking_providers import (
    anthropic_client,
    anthropic_tools,
    chat_tools,
    gemini_client,
    openai_client,
)
from google.genai import errors
from toolcell_client.testing.providers import Calls, Fails, Says

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk
    from toolcell_client.testing.providers import ProviderServer, Turn

USER: Any = {"role": "user", "content": "hello"}
BOTH = (("add", {"a": 1, "b": 2}), ("multiply", {"a": 3, "b": 4}))


def chunks(server: ProviderServer, turn: Turn | Fails) -> list[ChatCompletionChunk]:
    server.script([turn])
    with openai_client(server) as client:
        return list(
            client.chat.completions.create(
                model="gpt-5", messages=[USER], tools=chat_tools(), stream=True
            )
        )


def deltas(got: list[ChatCompletionChunk]) -> list[Any]:
    return [call for each in got for call in each.choices[0].delta.tool_calls or ()]


def arguments(got: list[ChatCompletionChunk], index: int) -> str:
    found = [each.function.arguments or "" for each in deltas(got) if each.index == index]
    return "".join(found)


def test_calls_are_interleaved(provider: ProviderServer) -> None:
    got = chunks(provider, Calls(*BOTH, interleaved=True, piece_characters=5))

    assert [0, 1, 0, 1] == [each.index for each in deltas(got)][:4]
    assert {"a": 3, "b": 4} == json.loads(arguments(got, 1))


def test_ids_are_repeated_in_every_chunk(provider: ProviderServer) -> None:
    got = chunks(provider, Calls(BOTH[0], repeat_ids=True, ids=("c1",)))

    assert {("c1", "add")} == {(each.id, each.function.name) for each in deltas(got)}
    assert len(deltas(got)) > 2


def test_the_index_is_missing(provider: ProviderServer) -> None:
    got = chunks(provider, Calls(BOTH[0], without_index=True))

    assert {None} == {each.index for each in deltas(got)}


def test_the_model_stops_though_it_calls(provider: ProviderServer) -> None:
    got = chunks(provider, Calls(BOTH[0], finish="end"))

    assert "stop" == got[-1].choices[0].finish_reason


def test_the_arguments_are_cut_off_and_no_json(provider: ProviderServer) -> None:
    got = chunks(provider, Calls(("add", '{"a": 1'), finish="length"))

    assert "length" == got[-1].choices[0].finish_reason
    assert '{"a": 1' == arguments(got, 0)


def test_ids_are_there_twice_and_names_are_made_up(provider: ProviderServer) -> None:
    got = chunks(provider, Calls(("add", {}), ("no_such_tool", {}), ids=("c1", "c1")))
    named = [(each.id, each.function.name) for each in deltas(got) if each.id]

    assert [("c1", "add"), ("c1", "no_such_tool")] == named


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_chunks_have_any_size(size: int, provider: ProviderServer) -> None:
    got = chunks(provider, Calls(BOTH[0], text="Grüße, 世界", write_bytes=size))

    assert "Grüße, 世界" == "".join(each.choices[0].delta.content or "" for each in got)
    assert {"a": 1, "b": 2} == json.loads(arguments(got, 0))


@pytest.mark.parametrize("after", [0, 3, -1])
def test_a_stream_is_cut(after: int, provider: ProviderServer) -> None:
    """
    Without the last chunk of HTTP: who reads it learns that something is missing.
    """
    with pytest.raises(openai.APIConnectionError):
        chunks(provider, Calls(*BOTH, cut_after=after))


def test_a_stream_of_anthropic_is_cut(provider: ProviderServer) -> None:
    """
    The anthropic package lets the error of its HTTP library through, openai's has its own.
    """
    provider.script([Calls(*BOTH, cut_after=-3)])
    got: list[str] = []
    with (
        anthropic_client(provider) as client,
        pytest.raises(httpx2.RemoteProtocolError),
        client.messages.stream(
            model="claude", max_tokens=9, messages=[USER], tools=anthropic_tools()
        ) as stream,
    ):
        got.extend(each.type for each in stream)

    assert "content_block_stop" in got
    assert "message_stop" not in got


def test_a_client_waits_as_long_as_it_is_told_and_tries_again(provider: ProviderServer) -> None:
    provider.script([Fails(429, retry_after=0.01), Fails(500), Says("at last")])
    with openai_client(provider, retries=2) as client:
        said = client.chat.completions.create(model="gpt-5", messages=[USER])

    assert "at last" == said.choices[0].message.content
    assert 3 == len(provider.requests)


def test_a_failure_is_the_exception_of_each_package(provider: ProviderServer) -> None:
    provider.script([Fails(429, retry_after=7), Fails(529), Fails(429, retry_after=7), Fails(503)])
    with openai_client(provider) as client, pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model="gpt-5", messages=[USER])
    with anthropic_client(provider) as claude, pytest.raises(anthropic.APIStatusError) as busy:
        claude.messages.create(model="claude", max_tokens=9, messages=[USER])
    with gemini_client(provider) as gemini:
        with pytest.raises(errors.ClientError) as exhausted:
            gemini.models.generate_content(model="gemini-2.5", contents="hello")
        with pytest.raises(errors.ServerError):
            gemini.models.generate_content(model="gemini-2.5", contents="hello")

    assert "7" == limited.value.response.headers["retry-after"]
    assert (529, "overloaded_error") == (busy.value.status_code, busy.value.type)
    assert "RESOURCE_EXHAUSTED" == exhausted.value.status
    assert "7s" in str(exhausted.value.details)


def test_the_first_byte_is_slow(provider: ProviderServer) -> None:
    """
    Nothing sleeps: the answer waits for an event.
    """
    hold = threading.Event()
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(chunks, provider, Says("at last", hold=hold))
        provider.wait_for(lambda: bool(provider.requests))
        assert not asked.done()
        hold.set()

        assert "at last" in "".join(e.choices[0].delta.content or "" for e in asked.result(30))


def test_a_server_that_stops_lets_go(provider: ProviderServer) -> None:
    hold = threading.Event()
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(chunks, provider, Says("never", hold=hold))
        provider.wait_for(lambda: bool(provider.requests))
        provider.stop()

        assert asked.exception(30) is not None or asked.result() is not None
    assert hold.wait(30)  # also for a request that came to it after the server had stopped


def test_a_call_that_is_no_call_has_its_own_reason_at_gemini(provider: ProviderServer) -> None:
    provider.script([Calls(("add", "add(a=1)"))])
    with gemini_client(provider) as client:
        said = client.models.generate_content(model="gemini-2.5", contents="hello")

    assert said.candidates
    assert "MALFORMED_FUNCTION_CALL" == said.candidates[0].finish_reason
    assert not said.function_calls


def test_a_script_at_its_end_says_so(provider: ProviderServer) -> None:
    with (
        openai_client(provider) as client,
        pytest.raises(openai.BadRequestError, match="has no more steps"),
    ):
        client.chat.completions.create(model="gpt-5", messages=[USER])


def test_usage_grows_and_what_was_read_before_is_cached(provider: ProviderServer) -> None:
    provider.script([Says("one"), Says("two", thought="four letters")])
    with openai_client(provider) as client:
        messages: list[Any] = [{"role": "user", "content": "x" * 400}]
        first = client.chat.completions.create(model="gpt-5", messages=messages)
        messages += [first.choices[0].message, USER]
        second = client.chat.completions.create(model="gpt-5", messages=messages)

    assert first.usage
    assert second.usage
    assert first.usage.prompt_tokens_details
    assert second.usage.prompt_tokens_details
    assert second.usage.completion_tokens_details
    assert 0 == first.usage.prompt_tokens_details.cached_tokens
    assert 96 == second.usage.prompt_tokens_details.cached_tokens
    assert (105, 115) == (first.usage.prompt_tokens, second.usage.prompt_tokens)
    assert 3 == second.usage.completion_tokens_details.reasoning_tokens
    assert 4 == second.usage.completion_tokens
