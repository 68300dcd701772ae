"""
Whom a conversation asks: a client of a provider's SDK, or a plain callable.

Theory of operation.  An SDK's client is known by the package and the name of one of its classes, so
that no SDK is imported: who has a client of it has imported it.  The keywords of a request are the
provider's own, so an SDK's `create` takes them as they are; only `google-genai` has other words
than its API, and `_gemini_keywords` puts them in place.  What is called may answer at once or with
something to await; the asynchronous conversation awaits what can be awaited, the synchronous one
refuses the asynchronous clients before anything is asked.

A callable takes one request, a dictionary, and returns the response, as a mapping or an object of
an SDK.  For `.stream` it finds `"stream": True` in the request, where the API has such a field, and
returns an iterator of events; a callable with an attribute `stream` gets streams asked there; one
that returns a whole response all the same is taken at its word.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toolcell_client.loops.requesting import checked

Fields = dict[str, Any]
Asking = Callable[[Fields, float | None], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """
    Asks one model.  `ask` and `stream` take the fields of a request and the seconds that it may
    take (None: the SDK's own default; a callable is not told).
    """

    provider: str
    ask: Asking
    stream: Asking
    sdk: bool = False


def model_of(model: Any, provider: str | None, *, asynchronous: bool) -> Model:
    """
    Raises:
        TypeError: it is neither a client of an SDK that is known nor a callable.
        ValueError: the provider is missing, unknown or another SDK's; or the client is asynchronous
            in a synchronous conversation, or the other way round.
    """
    for each in type(model).__mro__:
        known = KNOWN.get(each.__name__)
        if known is not None and f"{each.__module__}.".startswith(known[0]):
            return known[1](model, provider, asynchronous)
    if not callable(model):
        raise TypeError(
            f"a model is a client of openai, anthropic or google-genai, or a callable that takes a"
            f" request; this is a {type(model).__name__}"
        )
    if not provider:
        raise ValueError("whose format does this callable speak? Give provider=, as 'openai'")
    return _plain(model, checked(provider))


def _plain(function: Callable[[Fields], Any], provider: str) -> Model:
    streaming: Callable[[Fields], Any] = getattr(function, "stream", function)
    marks = STREAM_FIELDS.get(provider, {})
    return Model(
        provider=provider,
        ask=lambda fields, _: function(fields),
        stream=lambda fields, _: streaming(fields | marks),
    )


def _openai(client: Any, provider: str | None, asynchronous: bool) -> Model:  # noqa: FBT001
    provider = _one_of(provider, "openai", "openai-responses", "openai-functions")
    _check(client, asynchronous)
    if provider == "openai-responses":
        return _created(lambda: client.responses.create, provider)
    return _created(lambda: client.chat.completions.create, provider)


def _anthropic(client: Any, provider: str | None, asynchronous: bool) -> Model:  # noqa: FBT001
    provider = _one_of(provider, "anthropic")
    _check(client, asynchronous)
    return _created(lambda: client.messages.create, provider)


def _created(create: Callable[[], Any], provider: str) -> Model:
    marks = STREAM_FIELDS[provider]
    return Model(
        provider=provider,
        ask=lambda fields, seconds: create()(**fields, **_timeout(seconds)),
        stream=lambda fields, seconds: create()(**(fields | marks), **_timeout(seconds)),
        sdk=True,
    )


def _gemini(client: Any, provider: str | None, asynchronous: bool) -> Model:  # noqa: FBT001
    provider = _one_of(provider, "gemini")
    if asynchronous:
        client = getattr(client, "aio", client)
    else:
        _check(client, asynchronous)
    return Model(
        provider=provider,
        ask=lambda fields, seconds: client.models.generate_content(
            **_gemini_keywords(fields, seconds)
        ),
        stream=lambda fields, seconds: client.models.generate_content_stream(
            **_gemini_keywords(fields, seconds)
        ),
        sdk=True,
    )


def _gemini_keywords(fields: Fields, seconds: float | None) -> Fields:
    """
    The body of `generateContent` as keywords of `google-genai`: all but two go into `config`, in
    which `generationConfig` is flat.
    """
    given = dict(fields)
    made = {name: given.pop(name) for name in ("model", "contents")}
    config = dict(given.pop("config", {}))
    config |= given.pop("generationConfig", {}) | given
    # Tools are declarations, which nothing of the SDK's could call; it is told not to try.
    config.setdefault("automatic_function_calling", {"disable": True})
    if seconds is not None:
        config.setdefault("http_options", {"timeout": max(int(seconds * 1000), 1)})
    return made | {"config": config}


def _timeout(seconds: float | None) -> dict[str, float]:
    return {} if seconds is None else {"timeout": seconds}


def _one_of(provider: str | None, *known: str) -> str:
    if provider in (None, "", *known):
        return provider or known[0]
    raise ValueError(f"this client speaks {' or '.join(known)}, not {provider}")


def _check(client: Any, asynchronous: bool) -> None:  # noqa: FBT001
    name = type(client).__name__
    is_async = any(each.__name__.startswith("Async") for each in type(client).__mro__)
    if is_async and not asynchronous:
        raise ValueError(
            f"{name} is asynchronous: give it to an AsyncConversation, with an AsyncClient; or"
            f" give {name.replace('Async', '')} here"
        )
    if asynchronous and not is_async:
        raise ValueError(f"{name} would block the event loop: give its twin, Async{name}")


def check_client(client: object, *, asynchronous: bool) -> None:
    """
    Raises:
        TypeError: the client of the toolcell server is not of the conversation's kind.
    """
    ours = getattr(client, "toolset", None)
    is_async = ours is None or inspect.iscoroutinefunction(ours)
    if ours is not None and is_async and not asynchronous:
        raise TypeError("a Conversation takes a Client; with an AsyncClient use AsyncConversation")
    if asynchronous and not is_async:
        raise TypeError("an AsyncConversation takes an AsyncClient; with a Client use Conversation")


def check_named(model: Model, name: str, extra: Mapping[str, Any]) -> None:
    """
    Raises:
        ValueError: a client of an SDK wants the name of a model, and there is none.
    """
    if model.sdk and not name and "model" not in extra:
        raise ValueError("which model? Give model_name=, as the provider calls it")


_STREAM = {"stream": True}
# Without the option a stream of chat completions says nothing of tokens.
_CHAT_STREAM = {"stream": True, "stream_options": {"include_usage": True}}
STREAM_FIELDS: dict[str, Fields] = {
    "openai": _CHAT_STREAM,
    "openai-functions": _CHAT_STREAM,
    "openai-responses": _STREAM,
    "anthropic": _STREAM,
}
Known = Callable[[Any, str | None, bool], Model]
KNOWN: dict[str, tuple[str, Known]] = {
    "OpenAI": ("openai.", _openai),
    "AsyncOpenAI": ("openai.", _openai),
    "Anthropic": ("anthropic.", _anthropic),
    "AsyncAnthropic": ("anthropic.", _anthropic),
    "AnthropicBedrock": ("anthropic.", _anthropic),
    "AsyncAnthropicBedrock": ("anthropic.", _anthropic),
    "AnthropicVertex": ("anthropic.", _anthropic),
    "AsyncAnthropicVertex": ("anthropic.", _anthropic),
    "Client": ("google.genai.", _gemini),
    "AsyncClient": ("google.genai.", _gemini),
}


def comes_whole(response: Any) -> bool:
    """
    Whether this is a response, and no stream of one.
    """
    return isinstance(response, Mapping) or hasattr(response, "model_dump")
