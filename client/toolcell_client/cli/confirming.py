"""
Asks the person at the terminal whether a call that needs a confirmation may run.
"""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, NamedTuple

from toolcell_client.cli.screen import Screen
from toolcell_client.errors import ApprovalRequired, CallRefused

if TYPE_CHECKING:
    from toolcell_client.client import Client

YES = frozenset({"y", "yes"})


class Answer(NamedTuple):
    """
    What goes with the second call.
    """

    token: str
    pin: str = ""


def confirmed(client: Client, required: ApprovalRequired) -> Answer | None:
    """
    The answer of a person at this terminal; nothing if it is not theirs to give, or if they say no,
    which withdraws the question.
    """
    if required.kind != "confirm" or not required.token:
        return None
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    screen = Screen.of_stderr()
    for line in _summary(client, required).split("\n"):
        screen.line(line)
    screen.line("Run it? [y/N]")
    if sys.stdin.readline().strip().lower() in YES:
        return Answer(required.token)
    client.approvals.deny(required.approval_id, "no was said at the terminal")
    return None


def asked_for_pin(answer: Answer) -> Answer:
    """
    The same with the PIN that the person types, unseen.
    """
    return Answer(answer.token, getpass.getpass("PIN: "))


def how_to_go_on(required: ApprovalRequired) -> list[str]:
    """
    What to do about a call that nobody was asked about here.
    """
    if not required.token:
        return []
    lines = [f"approval: {required.approval_id} ({required.kind}), until {required.expires}"]
    if required.kind == "approve":
        lines.append(f"somebody else decides: toolcell approvals approve {required.approval_id}")
    lines.append(f"then send the same call with --approval-token {required.token}")
    return lines


def _summary(client: Client, required: ApprovalRequired) -> str:
    try:
        return client.approvals.get(required.approval_id).summary
    except CallRefused:  # a server or a proxy without that service
        return required.summary
