"""
Decisions about a connection: its name, its hello, its requests.
"""

from __future__ import annotations

import pytest
from toolcell_server.egress.decide import (
    decide_hello,
    decide_host,
    decide_name,
    decide_request,
)
from toolcell_server.egress.names import Pattern
from toolcell_server.egress.rules import Rule
from toolcell_server.egress.verdicts import Reason, Verdict

RULES = tuple(
    Rule.parse(entry)
    for entry in (
        "*.example.com:443",
        "*.deep.example.com:443",
        {"domain": "api.example.com:443", "without_sni": True},
        "example.org:443",
        "example.org:80",
        "*.denied.example:443",
        "m\u00fcnchen.example:443",
    )
)
DENIED = tuple(Pattern.parse(text) for text in ("*.denied.example", "secret.example.com"))

# A name and a port, then the reason, and the text of the rule that granted.
NAMES = {
    "an exact name": ("example.org", 443, "host_granted", "example.org:443"),
    "an exact name at another port": ("example.org", 80, "host_granted", "example.org:80"),
    "capitals and the root's dot": ("Example.ORG.", 443, "host_granted", "example.org:443"),
    "a name below a wildcard": ("a.b.example.com", 443, "host_granted", "*.example.com:443"),
    "the longer wildcard": ("a.deep.example.com", 443, "host_granted", "*.deep.example.com:443"),
    "the exact rule before the wildcard": (
        "api.example.com",
        443,
        "host_granted",
        "api.example.com:443",
    ),
    "umlauts": ("M\u00dcNCHEN.example", 443, "host_granted", "xn--mnchen-3ya.example:443"),
    "Punycode": ("xn--mnchen-3ya.example", 443, "host_granted", "xn--mnchen-3ya.example:443"),
    "the apex of a wildcard": ("example.com", 443, "host_not_granted", ""),
    "a name that ends alike": ("evil-example.org", 443, "host_not_granted", ""),
    "a name that begins alike": ("example.org.evil.example", 443, "host_not_granted", ""),
    "a name below an exact one": ("a.example.org", 443, "host_not_granted", ""),
    "a homoglyph": ("ex\u0430mple.org", 443, "host_not_granted", ""),
    "an ungranted port": ("example.org", 22, "port_not_granted", ""),
    "an ungranted port below a wildcard": ("a.example.com", 80, "port_not_granted", ""),
    "port 0": ("example.org", 0, "port_not_granted", ""),
    "a denied name that a wildcard grants": ("secret.example.com", 443, "host_denied", ""),
    "a denied name in capitals": ("SECRET.example.com.", 443, "host_denied", ""),
    "below a denied name": ("a.secret.example.com", 443, "host_granted", "*.example.com:443"),
    "below a denied wildcard": ("a.denied.example", 443, "host_denied", ""),
    "a denied name at an ungranted port": ("a.denied.example", 22, "host_denied", ""),
    "the apex of a denied wildcard": ("denied.example", 443, "host_not_granted", ""),
    "an address": ("93.184.216.34", 443, "not_a_name", ""),
    "a user name": ("example.org@evil.example", 443, "not_a_name", ""),
    "a line end": ("example.org\n", 443, "not_a_name", ""),
    "a NUL": ("example.org\0", 443, "not_a_name", ""),
    "a full-width full stop": ("example\uff0eorg", 443, "not_a_name", ""),
    "nothing": ("", 443, "not_a_name", ""),
}

PLAIN = "a.example:443"
# The rule, the SNI, whether the hello is encrypted, the reason.
HELLOS = {
    "the name": (PLAIN, "a.example", False, "hello_granted"),
    "the name in capitals": (PLAIN, "A.EXAMPLE", False, "hello_granted"),
    "another name": (PLAIN, "b.example", False, "sni_mismatch"),
    "a name below": (PLAIN, "x.a.example", False, "sni_mismatch"),
    "the name with the root's dot": (PLAIN, "a.example.", False, "sni_mismatch"),
    "the name and a NUL": (PLAIN, "a.example\0", False, "sni_mismatch"),
    "the name and a port": (PLAIN, "a.example:443", False, "sni_mismatch"),
    "an address": (PLAIN, "93.184.216.34", False, "sni_mismatch"),
    "an empty name": (PLAIN, "", False, "sni_mismatch"),
    "no name": (PLAIN, None, False, "sni_missing"),
    "encrypted": (PLAIN, "a.example", True, "encrypted_hello"),
    "encrypted without a name": (PLAIN, None, True, "encrypted_hello"),
    "no name where that is granted": ("without_sni", None, False, "hello_granted"),
    "another name where none is needed": ("without_sni", "b.example", False, "sni_mismatch"),
    "encrypted where no name is needed": ("without_sni", None, True, "encrypted_hello"),
    "encrypted where that is granted": ("encrypted_hello", "front.example", True, "hello_granted"),
    "encrypted without a name where that is granted": (
        "encrypted_hello",
        None,
        True,
        "hello_granted",
    ),
    "not encrypted, though that is granted": (
        "encrypted_hello",
        "b.example",
        False,
        "sni_mismatch",
    ),
    "no name, though encrypted is granted": ("encrypted_hello", None, False, "sni_missing"),
}

# The rule, the Host, the reason.
HOSTS = {
    "the name": ("k.example:80", "k.example", "host_matches"),
    "the name in capitals": ("k.example:80", "K.Example", "host_matches"),
    "the name and its port": ("k.example:80", "k.example:80", "host_matches"),
    "the name and the rule's port": ("http://k.example:8080", "k.example:8080", "host_matches"),
    "no port where it is not 80": ("http://k.example:8080", "k.example", "host_mismatch"),
    "no port where it is 443": ("http://k.example:443", "k.example", "host_mismatch"),
    "another port": ("k.example:80", "k.example:8080", "host_mismatch"),
    "another name": ("k.example:80", "b.example", "host_mismatch"),
    "two names": ("k.example:80", "k.example, b.example", "host_mismatch"),
    "a user name": ("k.example:80", "k.example@b.example", "host_mismatch"),
    "the root's dot": ("k.example:80", "k.example.", "host_mismatch"),
    "an empty port": ("k.example:80", "k.example:", "host_mismatch"),
    "a port with a zero before it": ("k.example:80", "k.example:080", "host_mismatch"),
    "a space": ("k.example:80", " k.example", "host_mismatch"),
    "a line end": ("k.example:80", "k.example\r\n", "host_mismatch"),
    "a Kelvin sign": ("k.example:80", "\u212a.example", "host_mismatch"),
    "an empty Host": ("k.example:80", "", "host_mismatch"),
    "no Host": ("k.example:80", None, "host_missing"),
}

LIMITED = {"domain": "a.example:80", "methods": ["GET"], "path_prefixes": ["/v1"]}
REQUESTS = {
    "granted": ("GET", "/v1/items?all", "request_granted"),
    "another method": ("POST", "/v1/items", "method_not_granted"),
    "a method in lower case": ("get", "/v1/items", "method_not_granted"),
    "another path": ("GET", "/v2", "path_not_granted"),
    "a path that climbs": ("GET", "/v1/../v2", "path_not_granted"),
}


@pytest.mark.parametrize(("name", "port", "reason", "text"), NAMES.values(), ids=NAMES)
def test_a_name_is_decided_by_deny_then_grant(name: str, port: int, reason: str, text: str) -> None:
    """
    Policy beats every grant, and of several grants the one that says most about the name speaks.
    """
    verdict = decide_name(name, port, RULES, DENIED)

    assert reason == verdict.reason
    assert text == (verdict.rule.text if verdict.rule else "")
    assert verdict.allowed == (verdict.rule is not None)


def test_without_rules_everything_is_denied() -> None:
    """
    An empty allowlist must not mean "no restriction".
    """
    assert Verdict(False, Reason.HOST_NOT_GRANTED) == decide_name("a.example", 443, (), ())


@pytest.mark.parametrize(("option", "sni", "encrypted", "reason"), HELLOS.values(), ids=HELLOS)
def test_a_hello_must_say_the_name_it_was_let_through_for(
    option: str, sni: str | None, reason: str, *, encrypted: bool
) -> None:
    """
    Else a tool would reach any customer of a shared front by the name of one.
    """
    options = {} if option == PLAIN else {option: True}
    rule = Rule.parse({"domain": PLAIN, **options})
    verdict = decide_hello(rule, "a.example", sni, encrypted=encrypted)

    assert reason == verdict.reason
    assert (reason == "hello_granted") == verdict.allowed


@pytest.mark.parametrize(("entry", "host_header", "reason"), HOSTS.values(), ids=HOSTS)
def test_a_request_must_name_the_host_it_was_let_through_for(
    entry: str, host_header: str | None, reason: str
) -> None:
    """
    The origin answers for the Host, not for the address that was dialled.
    """
    verdict = decide_host(Rule.parse(entry), "k.example", host_header)

    assert reason == verdict.reason
    assert (reason == "host_matches") == verdict.allowed


@pytest.mark.parametrize(("method", "target", "reason"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_decided_by_method_then_path(method: str, target: str, reason: str) -> None:
    """
    A rule may grant reading a part of a host.
    """
    verdict = decide_request(Rule.parse(LIMITED), method, target)

    assert reason == verdict.reason
    assert (reason == "request_granted") == verdict.allowed


def test_a_rule_without_limits_grants_every_request() -> None:
    """
    Whether a method or a target is well-formed is the relay's own question.
    """
    verdict = decide_request(Rule.parse("a.example:80"), "PROPFIND", "/../x")

    assert Reason.REQUEST_GRANTED == verdict.reason
