"""
How a voice session behaves: one value, checked when it is built.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from toolcell_client.voice.languages import Language, language_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.usage import Price, Prices, UsageSink


class BargeIn(StrEnum):
    """
    What becomes of a running call when the user speaks.
    """

    CANCEL = "cancel"  # at once
    FINISH = "finish"  # it goes on, and its result is told without a word of ours
    ASK = "ask"  # it goes on, unless the transcript holds a no; without one it is not cancelled


# What only reads does no harm by going on.  What writes or destroys ends at once: what is not yet
# destroyed can be destroyed after another yes, and never the other way round.  A cough ends it too;
# that costs a repetition, and going on may cost the data.
DEFAULT_BARGE_IN: Mapping[str, BargeIn] = {
    "read_only": BargeIn.FINISH,
    "writes": BargeIn.CANCEL,
    "destructive": BargeIn.CANCEL,
}
CONFIRM_BY = ("yes", "code", "pin")
FILLERS = ("response", "callback", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceOptions:
    """
    Spans are in seconds.  `filler`: who says that a call takes longer: "response", the model, in
    no conversation; "callback", the program; "off".  `confirm_by`: what the user must say beside
    yes; "code" are four digits that are read out, "pin" is the PIN of the principal at the server.
    `session` are further fields of `session.update` (audio, voice, output_modalities …).
    `call_options` go with each call, as `Client.run` takes them.  `name`, `metrics`, `prices` and
    `model_name` are as for a `Conversation`: `metrics` is told of every response.
    """

    language: str | Language = "en"
    filler: str = "response"
    filler_seconds: float = 2.5
    filler_every_seconds: float = 10.0
    confirm_seconds: float = 60.0
    confirm_destructive: bool = True
    confirm_by: str = "yes"
    transcript_seconds: float = 4.0
    request_seconds: float = 10.0
    approval_poll_seconds: float = 3.0
    barge_in: Mapping[str, BargeIn | str] = field(default_factory=dict)
    max_concurrent_calls: int = 8
    max_calls: int = 64
    instructions: str = ""
    session: Mapping[str, Any] = field(default_factory=dict)
    call_options: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    model_name: str = ""
    prices: Prices | Mapping[str, Price] | None = None
    metrics: UsageSink | None = None

    def __post_init__(self) -> None:
        language_of(self.language)
        for name in ("filler_seconds", "filler_every_seconds", "confirm_seconds"):
            self._check_positive(name)
        for name in ("transcript_seconds", "request_seconds", "approval_poll_seconds"):
            self._check_positive(name)
        for name in ("max_concurrent_calls", "max_calls"):
            self._check_positive(name)
        if self.confirm_by not in CONFIRM_BY:
            raise ValueError(f"confirm_by must be one of {CONFIRM_BY}, not {self.confirm_by!r}")
        if self.filler not in FILLERS:
            raise ValueError(f"filler must be one of {FILLERS}, not {self.filler!r}")
        for effects, what in self.barge_in.items():
            if effects not in DEFAULT_BARGE_IN:
                raise ValueError(
                    f"barge_in has no {effects!r}; it has {', '.join(DEFAULT_BARGE_IN)}"
                )
            BargeIn(what)
        for name in ("type", "tools", "instructions"):
            if name in self.session:
                raise ValueError(f"session: {name!r} is this adapter's; see `instructions`")

    def at_barge_in(self, effects: str) -> BargeIn:
        """
        What becomes of a call of a tool with these effects.
        """
        return BargeIn(self.barge_in.get(effects, DEFAULT_BARGE_IN.get(effects, BargeIn.CANCEL)))

    @property
    def words(self) -> Language:
        return language_of(self.language)

    def _check_positive(self, name: str) -> None:
        if not getattr(self, name) > 0:
            raise ValueError(f"{name} must be more than 0, not {getattr(self, name)!r}")
