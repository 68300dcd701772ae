"""
A voice session: the decisions of `Dialogue`, done.

Theory of operation.  Every decision is made by the dialogue, in one step and without waiting, so
there is nothing to lock.  Around it are tasks: one per execution, one that ticks, two that follow
the registry, one per approval that somebody else decides.  What is to be sent goes into one queue,
in the order of the decisions; whoever has the connection empties it.  The queue is bounded: if
nobody sends, the session fails rather than grows.  All tasks end with the session, and cancel their
executions.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from typing import TYPE_CHECKING, Any, Self

from toolcell_client.closing import AsyncClosing
from toolcell_client.voice import deeds as do
from toolcell_client.voice.accounting import Accounts
from toolcell_client.voice.awaiting import Required
from toolcell_client.voice.dialogue import Dialogue
from toolcell_client.voice.executing import Executing, Taken
from toolcell_client.voice.offering import Offering, one_of
from toolcell_client.voice.options import VoiceOptions
from toolcell_client.voice.tasks import Tasks
from toolcell_client.voice.transports import transport_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.formats import Toolset
    from toolcell_client.usage import Usage

MOST_UNSENT = 1_000  # arbitrary; events that wait to be sent


class NobodySends(RuntimeError):  # noqa: N818  # names what happened
    """
    Raised when a thousand events wait and nobody sends them.
    """


class VoiceSession(AsyncClosing):
    """
    Runs the calls of one session of OpenAI Realtime: `async with VoiceSession(client) as voice:
    await voice.serve(connection)`.  Or feed `handle` and send what `outgoing` yields.

    `names`, `category` and `tags` choose the tools; or `tools`, names or a Toolset, which stays as
    it is.  `on_extracted` gets the name and the arguments of a call of a schema-only tool, once
    they fit.  `on_event` gets every event of the provider (audio, transcripts), and may be
    asynchronous; `on_filler` a line to say, with `VoiceOptions(filler="callback")`; `on_error`
    errors of the provider and of the registry, and names that cannot be offered.
    """

    def __init__(
        self,
        client: AsyncClient,
        *names: str,
        tools: Toolset | Sequence[str] | None = None,
        options: VoiceOptions | None = None,
        category: str = "",
        tags: Iterable[str] = (),
        on_event: Callable[[Any], Any] | None = None,
        on_filler: Callable[[str], None] | None = None,
        on_error: Callable[[Any], None] | None = None,
        on_extracted: Callable[[str, Mapping[str, Any]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options or VoiceOptions()
        self._executing = Executing(client, self.options.call_options)
        session_id = str(self.options.call_options.get("session_id", ""))
        self._on_event, self._clock = on_event, clock
        self._on_filler = on_filler or _ignore
        self._on_error = on_error or _ignore
        self._on_extracted = on_extracted or _ignore
        self._offering = Offering(
            client,
            one_of(names, tools),
            category=category,
            tags=tags,
            session_id=session_id,
            fail=self._on_error,
        )
        self._unsent: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(MOST_UNSENT + 1)
        self._tasks, self._accounts = Tasks(), Accounts(self.options)
        self._changed = asyncio.Event()
        self._dialogue: Dialogue | None = None

    async def __aenter__(self) -> Self:
        """
        Ask the server for the tools; `session.update` is the first event to be sent.

        Raises:
            ToolcellError: the server refuses or does not answer.
        """
        self._dialogue = Dialogue(self.options, await self._offering.toolset())
        self._tasks.begin("watch", self._offering.watch())
        self._tasks.begin("follow", self._offering.follow(self._take))
        self._tasks.begin("tick", self._tick())
        self._do(self._dialogue.tick(self._clock()))
        return self

    @property
    def usage(self) -> Usage:
        """
        What the responses of this session have taken, fillers as well.
        """
        return self._accounts.usage

    async def serve(self, connection: Any) -> None:
        """
        Serve a session over a connection until that ends: see `transport_of`.

        Raises:
            TypeError: it is no connection.
            NobodySends: it takes nothing any more.
        """
        transport = transport_of(connection)
        sender = asyncio.create_task(self._send_to(transport.send))
        try:
            async for event in transport:
                if self._on_event is not None:
                    answer = self._on_event(event)
                    if inspect.isawaitable(answer):
                        await answer
                await self.handle(event)
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender

    async def handle(self, event: Any) -> None:
        """
        Take an event of the provider: a mapping, or an object of its SDK.

        Raises:
            NobodySends: what was to be sent before has not been.
            Exception: what a callback has raised.
        """
        self._do(self._entered().handle(event, self._clock()))
        if self._tasks.failed is not None:
            raise self._tasks.failed

    async def heard(self, text: str) -> None:
        """
        Say what the user said, if the program knows it by other means than transcription events.
        """
        self._do(self._entered().heard(text, self._clock()))

    async def outgoing(self) -> AsyncIterator[dict[str, Any]]:
        """
        Events to send, in their order, until the session is closed.
        """
        while (event := await self._unsent.get()) is not None:
            yield event

    async def aclose(self) -> None:
        """
        Cancel whatever runs, and wait until the server knows.
        """
        if self._dialogue is not None:
            self._do(self._dialogue.close())
        self._dialogue = None
        await self._tasks.end_all()
        with contextlib.suppress(asyncio.QueueFull):
            self._unsent.put_nowait(None)

    def _entered(self) -> Dialogue:
        if self._dialogue is None:
            raise RuntimeError(
                "a VoiceSession is used inside `async with VoiceSession(…) as voice:`"
            )
        return self._dialogue

    def _do(self, deeds: Iterable[do.Deed]) -> None:
        for deed in deeds:
            match deed:
                case do.Send():
                    self._send(deed.event)
                case do.Execute():
                    self._tasks.begin(f"call {deed.key}", self._run(deed))
                case do.Cancel():
                    self._tasks.cancel(f"call {deed.key}")
                case do.Say():
                    self._on_filler(deed.text)
                case do.AwaitDecision():
                    self._tasks.begin(f"await {deed.key}", self._await(deed))
                case do.Account():
                    self._accounts.take(deed)
                case do.Report():
                    self._on_error(deed.error)
        self._changed.set()

    def _send(self, event: dict[str, Any]) -> None:
        if self._unsent.qsize() >= MOST_UNSENT:
            self._tasks.failed = NobodySends(
                f"{MOST_UNSENT} events wait; is `outgoing` being read?"
            )
        else:
            self._unsent.put_nowait(event)

    async def _send_to(self, send: Callable[[dict[str, Any]], Any]) -> None:
        async for event in self.outgoing():
            await send(event)

    async def _run(self, deed: do.Execute) -> None:
        def alive(message: str) -> None:
            if self._dialogue is not None:
                self._do(self._dialogue.progressed(deed.key, message, self._clock()))

        ended = await self._executing.run(deed, alive)
        if self._dialogue is None:
            return
        if isinstance(ended, Taken):
            self._on_extracted(deed.tool, deed.arguments)
        now = self._clock()
        if isinstance(ended, Required):
            self._do(self._dialogue.approval_needed(deed.key, ended, now))
        else:
            self._do(self._dialogue.ended(deed.key, ended, now))

    async def _await(self, deed: do.AwaitDecision) -> None:
        pause = self.options.approval_poll_seconds
        approved, reason = await self._executing.decision(deed, pause)
        now = self._clock()
        self._do(self._entered().decided(deed.key, now, approved=approved, reason=reason))

    def _take(self, toolset: Toolset) -> None:
        self._do(self._entered().offer(toolset, self._clock()))

    async def _tick(self) -> None:
        while True:
            self._changed.clear()
            wake = self._entered().wake()
            seconds = None if wake is None else max(0.0, wake - self._clock())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), seconds)
            self._do(self._entered().tick(self._clock()))


def _ignore(*_: Any) -> None:
    """
    For what nobody wants to know.
    """
