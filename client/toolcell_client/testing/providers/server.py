"""
A provider of models on a loopback port: real HTTP, real wire formats, a scripted model.

Theory of operation.  One server speaks all formats, each at the paths where its SDK expects it.
Every request is recorded, checked as strictly as the provider checks it, and answered with the next
step of the script; when there is no script (any more), by the `model`, a function from a `View` to
a turn.  A script is in no provider's notation, so one scenario runs for all of them.  A thread
serves each connection.  Nothing sleeps: what is to be slow waits for an event of the test.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any

from toolcell_client.testing.providers.journal import Journal, Received
from toolcell_client.testing.providers.openai_responses_read import Kept
from toolcell_client.testing.providers.refusing import Refused
from toolcell_client.testing.providers.reply import Reply, made
from toolcell_client.testing.providers.serving import Listener
from toolcell_client.testing.providers.tokens import prompt, usage
from toolcell_client.testing.providers.turns import Fails, Then, Turn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from types import TracebackType
    from typing import Self

    from toolcell_client.testing.providers.reply import Prefixes, Request, Wire
    from toolcell_client.testing.providers.turns import Model, Step
    from toolcell_client.testing.providers.view import View

MAX_BODY_BYTES = 32 * 1024 * 1024  # Anthropic's limit for Messages; the others' are near


class ProviderServer(Journal):
    """
    Serves while entered.  `models`: the only ones that there are, None: any; `api_key`: the only
    one, None: any but an empty one; `max_body_bytes`: above it, a request is too large.
    """

    def __init__(
        self,
        model: Model | None = None,
        *,
        models: Collection[str] | None = None,
        api_key: str | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        port: int = 0,
    ) -> None:
        super().__init__()
        self.model = model
        self.models = models
        self.api_key = api_key
        self.max_body_bytes = max_body_bytes
        self.kept = Kept()
        self._steps: deque[Step] = deque()
        self._prompts: list[str] = []
        self._ids = count(1)
        self._listener = Listener(self, port)
        host, bound = self._listener.address
        self.url = f"http://{host}:{bound}"
        self.openai_base_url = f"{self.url}/v1"
        self.anthropic_base_url = self.url
        self.gemini_base_url = self.url
        self.websocket_base_url = f"ws://{host}:{bound}/v1"
        self.realtime_url = f"{self.websocket_base_url}/realtime"

    def script(self, steps: Iterable[Step]) -> None:
        """
        What the model says next, one step for each request that is not refused.
        """
        with self.changed:
            self._steps.extend(steps)

    @property
    def unplayed(self) -> int:
        """
        Steps of the script that nobody has asked for yet.
        """
        return len(self._steps)

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """
        Break every connection, and stop.
        """
        self.release()
        self._listener.stop()

    def new_id(self, prefix: str) -> str:
        """
        For the wires: an id that nothing else has.  A counter: two runs are the same.
        """
        return f"{prefix}{next(self._ids):016x}"

    def check_key(self, key: str, status: int = 401) -> None:
        """
        For the wires: whether the key is the one.

        Raises:
            Refused: it is not.
        """
        if self.api_key is not None and key != self.api_key:
            raise Refused(status, "", code="invalid_api_key")

    def check_model(self, model: str) -> None:
        """
        For the wires: whether there is such a model.

        Raises:
            Refused: there is not.
        """
        if self.models is not None and model not in self.models:
            raise Refused(404, f"model: {model}", param="model", code="model_not_found")

    def admit(self, wire: Wire, request: Request) -> View:
        """
        For the wires: record and check a request.

        Raises:
            Refused: it is not as the provider wants it.
        """
        try:
            key = wire.authorize(request.headers, request.query)
            self.check_key(key, wire.wrong_key_status)
            view = wire.read(request)
            self.check_model(view.model)
        except Refused as exc:
            self._record(wire, request, None, exc.message)
            raise
        self._record(wire, request, view, "")
        return view

    def reply(self, wire: Prefixes, view: View, body: Mapping[str, Any]) -> Reply:
        """
        For the wires: ask the model.

        Raises:
            Refused: the script says so, or there is no model to ask.
        """
        turn = self.decide(view)
        read = prompt(view)
        with self.changed:
            used = usage(view, turn, list(self._prompts))
            self._prompts.append(read)
        return Reply(
            reply_id=self.new_id(wire.reply_prefix),
            view=view,
            turn=turn,
            calls=made(turn, self.new_id, wire.call_prefix),
            usage=used,
            new_id=self.new_id,
            body=body,
        )

    def decide(self, view: View) -> Turn:
        """
        For the wires: the next turn.

        Raises:
            Refused: the script says so, or there is no model to ask.
        """
        with self.changed:
            step = self._steps.popleft() if self._steps else None
        if step is None and self.model is None:
            raise Refused(400, "the script of this provider server has no more steps")
        if step is None and self.model is not None:
            step = self.model(view)
        if isinstance(step, Then):
            step = step.decide(view)
        if isinstance(step, Fails):
            raise Refused(step.status, step.message, retry_after=step.retry_after)
        assert isinstance(step, Turn)
        return step

    def _record(self, wire: Wire, request: Request, view: View | None, refused: str) -> None:
        received = Received(
            wire.provider, request.path, request.headers, request.body, view, refused
        )
        self.note(received)
