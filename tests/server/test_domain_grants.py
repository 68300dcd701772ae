"""
The domains of one call: manifest, policy, arguments and request, of which each only narrows.
"""

from __future__ import annotations

from typing import Any

import pytest
from granting import tool
from toolcell_server.domain_grants import MAXIMUM_PORTS, MAXIMUM_RULES, compile_domains
from toolcell_server.egress.names import Pattern
from toolcell_server.policy import Policy
from toolcell_server.refusals import ArgumentsInvalid, DomainNotAllowed, GrantTooWide, InvalidField

FETCH = tool(domains=("{url}",))
WILD = tool(domains=("*.example.com:443", {"domain": "a.example:80", "methods": ["GET"]}))


def granted(of: Any, arguments: Any = None, *requested: str, denied: tuple[str, ...] = ()) -> Any:
    policy = Policy(denied_domains=tuple(Pattern.parse(text) for text in denied))
    return [rule.entry for rule in compile_domains(of, policy, arguments or {}, requested)]


GRANTED: dict[str, tuple[Any, Any, list[Any]]] = {
    "this host and no other": (FETCH, {"url": "https://A.example/x"}, ["a.example:443"]),
    "an argument that is absent": (FETCH, {}, []),
    "an argument that is null": (FETCH, {"url": None}, []),
    "each of a list, once": (
        FETCH,
        {"url": ["http://a.example/1", "http://a.example/2", "http://b.example:81/"]},
        ["a.example:80", "http://b.example:81"],
    ),
    "what the manifest names": (
        WILD,
        {},
        ["*.example.com:443", {"domain": "a.example:80", "methods": ["GET"]}],
    ),
}


@pytest.mark.parametrize(("of", "arguments", "rules"), GRANTED.values(), ids=GRANTED)
def test_a_call_is_granted_what_its_arguments_name(of: Any, arguments: Any, rules: Any) -> None:
    """
    A grant is for this call, not for the tool.
    """
    assert rules == granted(of, arguments)


def test_a_request_narrows_and_keeps_the_options() -> None:
    """
    A narrower host with wider requests would not be narrower.
    """
    assert ["x.example.com:443"] == granted(WILD, {}, "x.example.com:443")
    assert [{"domain": "a.example:80", "methods": ["GET"]}] == granted(WILD, {}, "a.example:80")


@pytest.mark.parametrize("requested", ["b.example:443", "a.example:443", "*.com:443"])
def test_a_request_for_more_is_refused(requested: str) -> None:
    """
    A caller who believes in more than there is has been lied to.
    """
    with pytest.raises((GrantTooWide, InvalidField)):
        granted(WILD, {}, requested)


def test_a_request_that_is_no_domain_names_its_field() -> None:
    """
    The second of two, here.
    """
    with pytest.raises(InvalidField, match=r"grants.domains\[1\]"):
        granted(WILD, {}, "a.example:80", "nonsense")


@pytest.mark.parametrize("denied", ["api.b.example", "*.b.example"])
def test_what_policy_denies_is_refused(denied: str) -> None:
    """
    Deny beats every grant.
    """
    of = tool(domains=("api.b.example:443",))
    with pytest.raises(DomainNotAllowed, match="denied by the operator"):
        granted(of, denied=(denied,))


def test_a_wildcard_that_holds_a_denied_name_is_granted() -> None:
    """
    The rest of it may be reached; the egress denies the name itself.
    """
    of = tool(domains=("*.example.com:443",))

    assert ["*.example.com:443"] == granted(of, denied=("secret.example.com",))


def test_the_port_of_names_is_not_granted() -> None:
    """
    There the cell asks us, and nobody else can listen.
    """
    with pytest.raises(DomainNotAllowed, match="cells ask for names"):
        granted(FETCH, {"url": "http://a.example:53/"})


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://a@b.example/", "a.example", 5])
def test_an_argument_that_names_no_host_is_the_callers_fault(url: Any) -> None:
    """
    The refusal points at the argument.
    """
    with pytest.raises(ArgumentsInvalid, match="arguments_json/url"):
        granted(FETCH, {"url": url})


MANY = {
    "hosts": [f"https://h{number}.example/" for number in range(MAXIMUM_RULES + 1)],
    "ports": [f"https://a.example:{8000 + number}/" for number in range(MAXIMUM_PORTS + 1)],
}


@pytest.mark.parametrize("urls", MANY.values(), ids=MANY)
def test_too_many_are_refused_and_as_many_as_may_be_are_not(urls: list[str]) -> None:
    """
    A cell opens a listener for each port, and compares each name with each rule.
    """
    assert len(urls) - 1 == len(granted(FETCH, {"url": urls[:-1]}))
    with pytest.raises(InvalidField, match="too many hosts"):
        granted(FETCH, {"url": urls})
