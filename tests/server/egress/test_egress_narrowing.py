"""
A caller's narrower wish among a tool's rules.
"""

from __future__ import annotations

from typing import Any

import pytest
from toolcell_server.egress.narrowing import Wider, narrowed
from toolcell_server.egress.rules import Rule

OWN = tuple(
    Rule.parse(entry)
    for entry in (
        "*.example.com:443",
        {"domain": "*.deep.example.com:443", "encrypted_hello": True},
        {"domain": "a.example:80", "methods": ["GET"], "credential": "key"},
        "db.example:5432",
    )
)

NARROWER: dict[str, tuple[str, Any]] = {
    "an exact host below a wildcard": ("a.example.com:443", "a.example.com:443"),
    "by its URL": ("https://a.example.com", "a.example.com:443"),
    "the wildcard itself": ("*.example.com:443", "*.example.com:443"),
    "a narrower wildcard": ("*.a.example.com:443", "*.a.example.com:443"),
    "below two wildcards": (
        "x.deep.example.com:443",
        {"domain": "x.deep.example.com:443", "encrypted_hello": True},
    ),
    "a rule with options, which stay": (
        "a.example:80",
        {"domain": "a.example:80", "methods": ["GET"], "credential": "key"},
    ),
    "an exact rule": ("tcp://db.example:5432", "db.example:5432"),
}

WIDER = {
    "the apex": "example.com:443",
    "another host": "b.example:443",
    "another port": "a.example.com:8443",
    "another protocol at the same port": "tcp://a.example.com:443",
    "a wider wildcard": "*.b.example:443",
    "a wildcard over an exact host": "*.db.example:5432",
    "a suffix of letters": "evil-example.com:443",
}


@pytest.mark.parametrize(("requested", "entry"), NARROWER.values(), ids=NARROWER)
def test_a_caller_may_ask_for_less(requested: str, entry: Any) -> None:
    """
    Least privilege, call by call, and never by shedding the rule's own limits.
    """
    assert entry == narrowed(requested, OWN).entry


@pytest.mark.parametrize("requested", WIDER.values(), ids=WIDER)
def test_a_caller_may_not_ask_for_more(requested: str) -> None:
    """
    What a tool gets was approved; what a caller adds was not.
    """
    with pytest.raises(Wider, match="is more than this tool gets"):
        narrowed(requested, OWN)


def test_a_malformed_wish_is_no_wide_one() -> None:
    """
    The caller is told what to mend.
    """
    with pytest.raises(ValueError, match="names no port") as caught:
        narrowed("a.example.com", OWN)

    assert not isinstance(caught.value, Wider)
