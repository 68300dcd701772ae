"""
What a conversation is, asynchronous or not.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from toolcell_client.loops.conversing import Settings
from toolcell_client.loops.dialogue import Dialogue
from toolcell_client.loops.models import check_client, check_named, model_of
from toolcell_client.loops.saving import restored, saved
from toolcell_client.loops.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self, Unpack

    from toolcell_client.loops.conversing import ConversationOptions
    from toolcell_client.loops.reply import Pending
    from toolcell_client.usage.ledger import Usage


class Conversed:
    """
    See `Conversation`.
    """

    _asynchronous: ClassVar[bool]
    _performer_type: ClassVar[type[Any]]

    def __init__(self, client: Any, model: Any, **options: Unpack[ConversationOptions]) -> None:
        given: dict[str, Any] = dict(options)
        saved_before = given.pop("_saved", None)
        redact, history = given.pop("redact", None), given.pop("history", None)
        provider = given.pop("provider", None)
        check_client(client, asynchronous=self._asynchronous)
        asked = model_of(model, provider, asynchronous=self._asynchronous)
        self._settings = Settings.of(asked.provider, **given)
        check_named(asked, self._settings.model_name, self._settings.extra)
        self._performer = self._performer_type(client, asked, self._settings)
        self._lock = threading.Lock()
        if saved_before is None:
            transcript = Transcript(redact=redact)
            self.dialogue = Dialogue(self._settings, history or (), transcript)
        else:
            self.dialogue = restored(saved_before, self._settings, redact)

    @classmethod
    def restore(
        cls,
        saved: Mapping[str, Any],
        client: Any,
        model: Any,
        **options: Unpack[ConversationOptions],
    ) -> Self:
        """
        A conversation that `save` returned, with settings as for the constructor.

        Raises:
            ValueError: it was saved by another version, or with another provider.
        """
        given: Any = {**options, "_saved": saved}
        return cls(client, model, **given)

    def save(self) -> dict[str, Any]:
        """
        The conversation as JSON, without tokens of approvals and without settings; for `restore`.

        Raises:
            RuntimeError: it is going on.
        """
        with self._alone():
            return saved(self.dialogue)

    @property
    def history(self) -> list[dict[str, Any]]:
        """
        The messages so far, in the provider's format, without the instructions.
        """
        return list(self.dialogue.history)

    @property
    def transcript(self) -> Transcript:
        """
        What happened.
        """
        return self.dialogue.transcript

    @property
    def usage(self) -> Usage:
        """
        What the model took, in all of the conversation.
        """
        return self.dialogue.usage

    @property
    def pending(self) -> tuple[Pending, ...]:
        """
        Calls that wait for a yes.
        """
        opened = self.dialogue.open
        return () if opened is None else tuple(opened.waiting.values())

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("this conversation is going on; end or close that first")
        try:
            yield
        finally:
            self._lock.release()
