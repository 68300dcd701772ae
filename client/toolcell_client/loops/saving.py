"""
A conversation as JSON, to go on after the program has ended.  Pure.

Theory of operation.  Saved is what the next request needs: the history, the turn that is open, what
was used up, and the transcript.  Not saved are settings, which the program has; tokens of
approvals, see `deciding`; and credentials of any kind.  The history is whole, not redacted: without
it no model could go on.  Keep it as you keep what your users write.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.turns import Answer, ModelTurn, Problem, RawCall, Stop, ToolCall
from toolcell_client.loops.approving import Question
from toolcell_client.loops.dialogue import Dialogue, OpenTurn
from toolcell_client.loops.reply import Pending
from toolcell_client.loops.transcript import Transcript
from toolcell_client.usage.ledger import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.loops.conversing import Settings
    from toolcell_client.loops.transcript import Redact

FORMAT = 1  # of what is saved; another one is not read


def saved(talk: Dialogue) -> dict[str, Any]:
    """
    What `json.dumps` takes.
    """
    return {
        "format": FORMAT,
        "provider": talk.settings.provider,
        "identity": talk.identity,
        "turns_made": talk.turns_made,
        "steps": talk.steps,
        "seconds": talk.seconds,
        "history": talk.history,
        "usage": talk.usage.to_plain(),
        "used": list(talk.used),
        "found": list(talk.found),
        "unsent": talk.unsent,
        "unfinished": talk.unfinished,
        "open": None if talk.open is None else _open(talk.open),
        "transcript": talk.transcript.to_plain(),
    }


def restored(
    plain: Mapping[str, Any], settings: Settings, redact: Redact | None = None
) -> Dialogue:
    """
    Raises:
        ValueError: it was not saved by this version, or with another provider.
    """
    if plain.get("format") != FORMAT:
        raise ValueError(f"this is no saved conversation of format {FORMAT}")
    if plain["provider"] != settings.provider:
        raise ValueError(
            f"this conversation was with {plain['provider']}; {settings.provider} cannot read it"
        )
    transcript = Transcript.of_plain(plain["transcript"], redact)
    talk = Dialogue(settings, plain["history"], transcript)
    talk.restore_spent(plain["steps"], plain["seconds"])
    talk.identity, talk.turns_made = plain["identity"], plain["turns_made"]
    talk.usage = Usage.of_plain(plain["usage"])
    talk.used, talk.found = dict.fromkeys(plain["used"]), dict.fromkeys(plain["found"])
    talk.unsent, talk.unfinished = plain["unsent"], plain["unfinished"]
    if plain["open"] is not None:
        talk.open = _opened(plain["open"], settings.provider)
    return talk


def _open(opened: OpenTurn) -> dict[str, Any]:
    turn = opened.turn
    return {
        "text": turn.text,
        "stop": str(turn.stop),
        "messages": list(turn.messages),
        "calls": [_call(each) for each in turn.calls],
        "answers": [[at, each.value, each.failed] for at, each in opened.answers.items()],
        "waiting": [[at, each.key, _question(each)] for at, each in opened.waiting.items()],
        "recorded": sorted(opened.recorded),
    }


def _opened(plain: Mapping[str, Any], provider: str) -> OpenTurn:
    calls = tuple(_called(each) for each in plain["calls"])
    turn = ModelTurn(
        provider=provider,
        text=plain["text"],
        calls=calls,
        stop=Stop(plain["stop"]),
        messages=tuple(plain["messages"]),
    )
    answers = {
        at: Answer(call=calls[at], value=value, failed=failed)
        for at, value, failed in plain["answers"]
    }
    waiting = {
        at: Pending(key=key, call=calls[at], question=_asked(question, calls[at]))
        for at, key, question in plain["waiting"]
    }
    return OpenTurn(turn=turn, answers=answers, waiting=waiting, recorded=set(plain["recorded"]))


def _call(call: ToolCall) -> dict[str, Any]:
    return asdict(call)


def _called(plain: Mapping[str, Any]) -> ToolCall:
    raw = dict(plain["raw"])
    problem = raw.pop("problem")
    return ToolCall(
        **{name: value for name, value in plain.items() if name not in ("raw", "problem")},
        raw=RawCall(**raw, problem=None if problem is None else Problem(problem)),
        problem=None if plain["problem"] is None else Problem(plain["problem"]),
    )


def _question(pending: Pending) -> dict[str, Any] | None:
    asked = pending.question
    if asked is None:
        return None
    names = ("kind", "summary", "expires", "approval_id")
    return {name: getattr(asked, name) for name in names}


def _asked(plain: Mapping[str, Any] | None, call: ToolCall) -> Question | None:
    return None if plain is None else Question(call=call, **plain)
