"""
The operator's hooks: which of them a call meets, and what they answer.

Theory of operation.  What a hook gets is made in its thread, from bytes, and what it gives back is
written there: it never holds a value of the server's own, and can change none.  Whatever else than
one of the three answers comes of it is a failure, and whoever asked fails closed.  The log says
what it was, the caller only that it was.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.hooks import loading as hook_loading
from toolcell_server.hooks.thread import HookRaised, HookThread, HookTookTooLong
from toolcell_server.middleware import HookCall, HookResult, Veto
from toolcell_server.per_tool import PerTool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from toolcell_server.settings.middleware import HookSettings
    from toolcell_server.tool import Tool

_LONGEST_MESSAGE: Final = 500

_log = logging.getLogger(__name__)


class HookDidFail(Exception):  # noqa: N818  # names what happened
    """
    Raised when a hook has no answer that counts; the text says what it did, without its own words.
    """


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a hook said: a veto, and why; or another value, as JSON; or nothing.
    """

    veto: str | None = None
    value: bytes | None = None


class Hook:
    """
    One hook.  `load` comes before the first call.
    """

    def __init__(self, settings: HookSettings) -> None:
        self.name = settings.where
        self._settings = settings
        self._thread = HookThread(settings.where)
        self._function: Callable[..., Any] | None = None

    def load(self) -> None:
        """
        Raises:
            SettingsError: it cannot be had.
        """
        self._function = hook_loading.load(self._settings)

    def covers(self, tool: Tool) -> bool:
        return self._settings.tools.cover(tool)

    def is_at(self, place: str) -> bool:
        return self._settings.at == place

    async def before(self, told: Mapping[str, Any], arguments: bytes) -> Answer:
        """
        What it says to a call; a value is other arguments.

        Raises:
            HookDidFail: nothing that counts.
        """

        async def ask() -> Answer:
            call = HookCall(arguments=json.loads(arguments), **told)
            answer = await _called(self._function, call)
            if isinstance(answer, HookCall):
                return _altered(arguments, answer.arguments)
            return _answered(answer, "a HookCall")

        return await self._ask(ask)

    async def after(
        self, told: Mapping[str, Any], arguments: bytes, ending: Mapping[str, str], result: bytes
    ) -> Answer:
        """
        What it says to an ending; a value is another result.

        Raises:
            HookDidFail: nothing that counts.
        """

        async def ask() -> Answer:
            call = HookCall(arguments=json.loads(arguments), **told)
            ended = HookResult(result=json.loads(result) if result else None, **ending)
            answer = await _called(self._function, call, ended)
            if isinstance(answer, HookResult):
                if (answer.outcome, answer.message) != (ended.outcome, ended.message):
                    raise HookDidFail("gave back another outcome, which no hook may")
                return _replaced(result, answer.result)
            return _answered(answer, "a HookResult")

        return await self._ask(ask)

    def close(self) -> None:
        self._thread.close()

    async def _ask(self, function: Callable[[], Any]) -> Answer:
        try:
            answer = await self._thread.call(self._settings.timeout_seconds, function)
        except (HookDidFail, HookTookTooLong, HookRaised) as exc:
            _log.warning("hook failed", extra={"fields": {"hook": self.name, "why": str(exc)}})
            raise HookDidFail(str(exc)) from None
        except Exception as exc:  # noqa: BLE001  # the operator's code raises what it likes
            fields = {"hook": self.name, "why": type(exc).__name__}
            _log.warning("hook failed", extra={"fields": fields}, exc_info=exc)
            raise HookDidFail("raised an error") from None
        return answer  # type: ignore[no-any-return]  # the thread's functions are above


@dataclass(frozen=True, slots=True)
class Hooks:
    """
    All hooks, in the order in which calls meet them.
    """

    every: tuple[Hook, ...]
    _at: dict[str, PerTool[tuple[Hook, ...]]] = field(
        default_factory=lambda: defaultdict(PerTool), repr=False
    )

    @classmethod
    def of(cls, settings: Sequence[HookSettings]) -> Hooks:
        return cls(tuple(Hook(one) for one in settings))

    def load(self) -> None:
        """
        Raises:
            SettingsError: one cannot be had.
        """
        for hook in self.every:
            hook.load()

    def any_at(self, *places: str) -> bool:
        return any(hook.is_at(place) for hook in self.every for place in places)

    def at(self, place: str, tool: Tool) -> tuple[Hook, ...]:
        """
        Those that a call of the tool meets at a place; kept as long as it is the same tool.
        """
        return self._at[place].get(
            tool,
            lambda tool: tuple(
                hook for hook in self.every if hook.is_at(place) and hook.covers(tool)
            ),
        )

    def close(self) -> None:
        for hook in self.every:
            hook.close()


async def _called(function: Callable[..., Any] | None, *given: Any) -> Any:
    if function is None:
        raise HookDidFail("is not loaded")
    answer = function(*given)
    return await answer if inspect.isawaitable(answer) else answer


def _answered(answer: Any, kind: str) -> Answer:
    if answer is None:
        return Answer()
    if isinstance(answer, Veto) and isinstance(answer.message, str):
        said = answer.message[:_LONGEST_MESSAGE]
        return Answer(veto=said.encode(errors="replace").decode())  # protobuf takes no others
    raise HookDidFail(f"gave back neither None nor {kind} nor a Veto")


def _altered(arguments: bytes, value: Any) -> Answer:
    """
    The value, if it is another one than the arguments were.
    """
    encoded = _encoded(value)
    return Answer() if encoded == _encoded(json.loads(arguments)) else Answer(value=encoded)


def _replaced(result: bytes, value: Any) -> Answer:
    """
    The value, whether or not it is another one: to find that out costs more than to take it.
    """
    return Answer() if value is None and not result else Answer(value=_encoded(value))


def _encoded(value: Any) -> bytes:
    """
    Raises:
        HookDidFail: it is no JSON value.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        raise HookDidFail("gave back what is no JSON value") from None
