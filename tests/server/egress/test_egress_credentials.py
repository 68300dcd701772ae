"""
The operator's secrets: where they may go, and that they are in no text.
"""

from __future__ import annotations

import pytest
from toolcell_server.egress.credentials import Credential

TOLD = {"header": "Authorization", "value": "Bearer s3cret", "hosts": ["a.example", "*.b.example"]}


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("a.example", True),
        ("x.b.example", True),
        ("b.example", False),
        ("x.a.example", False),
        ("evil-a.example", False),
    ],
)
def test_a_credential_goes_to_the_hosts_of_the_operator(host: str, *, allowed: bool) -> None:
    """
    Whoever writes a manifest must not choose where a secret goes.
    """
    assert allowed is Credential.parse(TOLD).may_go_to(host)


def test_a_credential_shows_its_value_to_nobody() -> None:
    """
    Representations end in logs.
    """
    assert "s3cret" not in repr(Credential.parse(TOLD))


@pytest.mark.parametrize("wrong", [{"value": "s3cret\r\nX: y"}, {"hosts": ["10.0.0.1"]}])
def test_a_credential_that_cannot_be_sent_is_refused(wrong: dict[str, object]) -> None:
    """
    And the refusal does not hold the value either.
    """
    with pytest.raises(ValueError, match=r".") as refused:
        Credential.parse({**TOLD, **wrong})

    assert "s3cret" not in str(refused.value)
