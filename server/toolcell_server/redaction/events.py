"""
Takes secrets out of the events of an execution.  Pure.

Of an event everything that a tool has a say in is redacted: texts, JSON values, and of denials what
was tried and on what.  Numbers and words of the contract are ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.redaction.redactor import Redactor


def redact(event: pb.ExecuteResponse, redactor: Redactor) -> None:
    """
    Redact an event in place; output is not looked at, it is a stream.
    """
    match event.WhichOneof("event"):
        case "log":
            event.log.message = redactor.text(event.log.message)
            event.log.fields_json = redactor.json_bytes(event.log.fields_json)
        case "progress":
            event.progress.message = redactor.text(event.progress.message)
        case "partial":
            event.partial.value_json = redactor.json_bytes(event.partial.value_json)
        case "denied":
            _denied(event.denied, redactor)
        case "retrying":
            _outcome(event.retrying.outcome, redactor)
        case "finished":
            _finished(event.finished, redactor)


def _finished(finished: pb.Finished, redactor: Redactor) -> None:
    _outcome(finished.outcome, redactor)
    if finished.result_json:
        finished.result_json = redactor.json_bytes(finished.result_json)
    for contact in finished.contacts:
        contact.host = redactor.text(contact.host)


def _outcome(outcome: pb.Outcome, redactor: Redactor) -> None:
    for name in ("message", "hint", "spoken"):
        _field(outcome, name, redactor)
    kind = outcome.WhichOneof("kind")
    if kind == "failed":
        for name in ("exception", "code", "traceback"):
            _field(outcome.failed, name, redactor)
    elif kind == "violated":
        _field(outcome.violated, "what", redactor)
    for denied in outcome.denials:
        _denied(denied, redactor)


def _denied(denied: pb.Denied, redactor: Redactor) -> None:
    for name in ("operation", "target", "reason"):
        _field(denied, name, redactor)


def _field(
    message: pb.Outcome | pb.Failed | pb.Violated | pb.Denied, name: str, redactor: Redactor
) -> None:
    if text := getattr(message, name):
        setattr(message, name, redactor.text(text))
