"""
One cell as the egress sees it: which names it may ask for, and what is told of it.
"""

from __future__ import annotations

from typing import Any

import pytest
from attaching import attached
from toolcell_server.egress import attached as attached_module
from toolcell_server.egress.attached import MAXIMUM_DENIALS
from toolcell_server.egress.decide import decide_name
from toolcell_server.egress.verdicts import Reason, Verdict

NAMES: dict[str, tuple[str, Reason]] = {
    "granted at some port": ("a.example", Reason.HOST_GRANTED),
    "below a wildcard": ("x.b.example", Reason.HOST_GRANTED),
    "denied below a wildcard": ("secret.b.example", Reason.HOST_DENIED),
    "not granted": ("c.example", Reason.HOST_NOT_GRANTED),
    "no name": ("_dns.example..", Reason.NOT_A_NAME),
}


@pytest.mark.parametrize(("name", "reason"), NAMES.values(), ids=NAMES)
def test_a_name_is_answered_if_it_may_be_reached_at_some_port(name: str, reason: Reason) -> None:
    """
    Who asks for a name does not say a port, and the reason must not be about one.
    """
    cell, _ = attached("a.example:8443", "*.b.example:443", denied=("secret.b.example",))

    assert reason == cell.decide_to_resolve(name).reason


def test_a_name_is_looked_up_once_however_many_rules_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A cell asks a thousand times a second; once for each of 256 rules, beside all 256, is more than
    the egress can do for it, and others wait.
    """
    asked: list[str] = []

    def counted(name: str, *arguments: Any) -> Verdict:
        asked.append(name)
        return decide_name(name, *arguments)

    monkeypatch.setattr(attached_module, "decide_name", counted)
    cell, _ = attached(*(f"h{number}.example:{1000 + number}" for number in range(256)))

    assert Reason.HOST_NOT_GRANTED == cell.decide_to_resolve("a.example").reason
    assert Reason.HOST_GRANTED == cell.decide_to_resolve("h255.example").reason
    assert ["a.example", "h255.example"] == asked


def test_a_denial_is_told_once() -> None:
    """
    A client that tries again and again is one fact.
    """
    cell, told = attached()
    for _ in range(3):
        cell.deny("resolve", "a.example", Reason.HOST_NOT_GRANTED)
    cell.deny("connect", "a.example", Reason.HOST_NOT_GRANTED)

    assert ["resolve", "connect"] == [each["denied"]["operation"] for each in told]


def test_a_cell_cannot_tell_without_end() -> None:
    """
    It makes names up faster than anybody can read them.
    """
    cell, told = attached()
    for number in range(10 * MAXIMUM_DENIALS):
        cell.deny("resolve", f"{number}.example", Reason.HOST_NOT_GRANTED)

    assert MAXIMUM_DENIALS == len(told)


def test_the_summary_names_every_host_that_was_reached() -> None:
    """
    It becomes the contacts of the result.
    """
    cell, _ = attached()
    contact = cell.budget.contact("a.example", 443)
    contact.connections += 1
    cell.budget.send(contact, 2)
    cell.budget.receive(contact, 3)

    assert [
        {
            "host": "a.example",
            "port": 443,
            "connections": 1,
            "sent_bytes": 2,
            "received_bytes": 3,
        }
    ] == cell.summary()
