"""
What one execution may use of the network: to the byte, and for good.
"""

from __future__ import annotations

from toolcell_server.egress.budget import Budget, Contact


def test_as_many_connections_as_were_granted_and_not_one_more() -> None:
    """
    An attempt counts whatever came of it, or there would be no end to them.
    """
    budget = Budget(connections=2, sent_bytes=1, received_bytes=1)

    assert [True, True, False, False] == [budget.connect() for _ in range(4)]
    assert budget.spent


def test_the_last_byte_is_granted_and_the_next_is_not() -> None:
    """
    Each way has its own; a limit that is off by one is another limit.
    """
    for way in ("send", "receive"):
        budget = Budget(connections=1, sent_bytes=10, received_bytes=10)
        contact = budget.contact("a.example", 443)
        take = getattr(budget, way)

        assert [True, True, False] == [take(contact, count) for count in (9, 1, 1)]
        assert budget.spent


def test_what_is_spent_one_way_is_spent_every_way() -> None:
    """
    The call ends; nothing of it may go on meanwhile.
    """
    budget = Budget(connections=9, sent_bytes=1, received_bytes=9)
    contact = budget.contact("a.example", 443)
    budget.send(contact, 2)

    assert [False, False, False] == [
        budget.connect(),
        budget.receive(contact, 1),
        budget.send(contact, 0),
    ]


def test_each_host_and_port_has_one_account() -> None:
    """
    Who was reached, and with how much, is told at the end.
    """
    budget = Budget(connections=9, sent_bytes=99, received_bytes=99)
    budget.send(budget.contact("a.example", 443), 2)
    budget.receive(budget.contact("a.example", 443), 3)
    budget.contact("a.example", 80)

    assert {("a.example", 443): Contact(0, 2, 3), ("a.example", 80): Contact()} == budget.contacts
