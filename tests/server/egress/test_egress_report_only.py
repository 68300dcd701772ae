"""
What a denial becomes where policy only reports.
"""

from __future__ import annotations

from typing import Any

import pytest
from attaching import attached
from toolcell_server.egress import report_only
from toolcell_server.egress.attached import MAXIMUM_DENIALS, Attached
from toolcell_server.egress.client_hello import ClientHello
from toolcell_server.egress.http_actions import Head
from toolcell_server.egress.rules import Rule
from toolcell_server.egress.verdicts import Reason, Verdict

RULES = ("a.example:443", "http://b.example:8080", "c.example:5432")
LIMITED = {"domain": "a.example:80", "methods": ["GET"], "path_prefixes": ["/v1"]}
KEYED = {**LIMITED, "credential": "key"}
DENIED = ("denied.example", "*.denied.example")


def reporting(
    *rules: Any, denied: tuple[str, ...] = DENIED, on: bool = True
) -> tuple[Attached, list[dict[str, Any]]]:
    """
    A cell of whose rules policy only reports.
    """
    return attached(*rules, denied=denied, report_only=on)


def hello_of(sni: str | None, *, encrypted: bool = False) -> ClientHello:
    return ClientHello(server_name=sni, encrypted=encrypted, alpn=(), versions=())


def said(verdict: Verdict) -> tuple[str, bool, bool]:
    return verdict.reason.value, verdict.allowed, verdict.reported


# A name, a port, the reason, and the rule under which it is reached; "" for none.
NAMES = {
    "granted": ("a.example", 443, "host_granted", "a.example:443"),
    "not granted": ("d.example", 443, "host_not_granted", "d.example:443"),
    "not granted, at 80": ("d.example", 80, "host_not_granted", "d.example:80"),
    "another port of a granted one": ("c.example", 443, "port_not_granted", "c.example:443"),
    "at a port of HTTP": ("d.example", 8080, "host_not_granted", "http://d.example:8080"),
    "at a port that nobody looks at": ("d.example", 5432, "host_not_granted", "d.example:5432"),
    "denied": ("denied.example", 443, "host_denied", ""),
    "denied by a wildcard": ("x.denied.example", 443, "host_denied", ""),
    "denied, at another port": ("denied.example", 5432, "host_denied", ""),
    "an address": ("93.184.216.34", 443, "not_a_name", ""),
    "no name": ("d..example", 443, "not_a_name", ""),
}


@pytest.mark.parametrize(("name", "port", "reason", "rule"), NAMES.values(), ids=NAMES)
def test_a_name_that_is_only_not_granted_is_let_through(
    name: str, port: int, reason: str, rule: str
) -> None:
    """
    And so is its question, which has no port; what policy denies, and what is no name, is not.
    """
    cell, _ = reporting(*RULES)
    verdict = cell.decide_name(name, port)
    reported = reason in {"host_not_granted", "port_not_granted"}

    assert (reason, rule != "", reported) == said(verdict)
    assert rule == (verdict.rule.text if verdict.rule else "")
    assert (rule != "") == cell.decide_to_resolve(name).allowed


def test_off_it_changes_nothing() -> None:
    """
    The control of all the others.
    """
    cell, _ = reporting(*RULES, on=False)
    rule = Rule.parse(LIMITED)
    hello = hello_of("d.example")
    head = Head("POST", "/v2", "d.example", None)
    verdicts = (
        cell.decide_name("d.example", 443),
        cell.decide_to_resolve("d.example"),
        cell.decide_hello(Rule.parse("a.example:443"), "a.example", hello),
        cell.decide_host(rule, "a.example", head),
        cell.decide_request(rule, head),
    )

    assert {(False, False)} == {(each.allowed, each.reported) for each in verdicts}


def test_the_strictest_reading_of_a_port_is_lent() -> None:
    """
    Where a hello is read for one host, another must not go unread.
    """
    rules = [Rule.parse(f"{kind}://{kind}.example:9000") for kind in ("tcp", "http", "tls")]

    assert "tls://d.example:9000" == report_only.lent("d.example", 9000, rules).text
    assert "http://d.example:9000" == report_only.lent("d.example", 9000, rules[:2]).text
    assert "d.example:443" == report_only.lent("d.example", 443, [Rule.parse("tcp://a:443")]).text


# The SNI, whether the hello is encrypted, what policy denies, the reason, whether it goes on.
HELLOS: dict[str, tuple[str | None, bool, tuple[str, ...], str, bool]] = {
    "another name": ("b.example", False, DENIED, "sni_mismatch", True),
    "another name in capitals": ("B.EXAMPLE", False, DENIED, "sni_mismatch", True),
    "no name": (None, False, DENIED, "sni_missing", True),
    "a denied name": ("denied.example", False, DENIED, "host_denied", False),
    "a denied name in capitals": ("X.Denied.Example", False, DENIED, "host_denied", False),
    "a denied name with a dot": ("denied.example.", False, DENIED, "host_denied", False),
    "an address": ("93.184.216.34", False, DENIED, "sni_mismatch", False),
    "no name at all": ("a\0b", False, DENIED, "sni_mismatch", False),
    "encrypted where names are denied": ("a.example", True, DENIED, "encrypted_hello", False),
    "encrypted where none is": ("a.example", True, (), "encrypted_hello", True),
    "encrypted, without a name": (None, True, (), "encrypted_hello", True),
    "encrypted, with no name outside": ("a\0b", True, (), "encrypted_hello", False),
}


@pytest.mark.parametrize(
    ("sni", "encrypted", "denied", "reason", "through"), HELLOS.values(), ids=HELLOS
)
def test_a_hello_goes_on_unless_it_says_or_could_hide_a_denied_name(
    sni: str | None, denied: tuple[str, ...], reason: str, *, encrypted: bool, through: bool
) -> None:
    cell, _ = reporting(*RULES, denied=denied)
    hello = hello_of(sni, encrypted=encrypted)
    verdict = cell.decide_hello(Rule.parse("a.example:443"), "a.example", hello)

    assert (reason, through, through) == said(verdict)


# The Host, the reason, whether it goes on.
HOSTS = {
    "another name": ("b.example", "host_mismatch", True),
    "the name with a dot": ("a.example.", "host_mismatch", True),
    "a denied name": ("denied.example", "host_denied", False),
    "a denied name with a dot": ("denied.example.", "host_denied", False),
    "an address": ("169.254.169.254", "host_mismatch", False),
    "an address of IPv6": ("[::1]", "host_mismatch", False),
    "an address that looks like none": ("0x7f.1", "host_mismatch", False),
}


@pytest.mark.parametrize("port", [None, 80, 8080])
@pytest.mark.parametrize(("host", "reason", "through"), HOSTS.values(), ids=HOSTS)
def test_a_host_goes_on_that_is_a_name_which_policy_does_not_deny(
    host: str, reason: str, port: int | None, *, through: bool
) -> None:
    cell, _ = reporting(LIMITED)
    head = Head("GET", "/", host, port)

    assert (reason, through, through) == said(cell.decide_host(cell.rules[0], "a.example", head))


REQUESTS = {
    "another method": ("POST", "/v1", "method_not_granted"),
    "another path": ("GET", "/v2", "path_not_granted"),
    "a path that could mean another": ("GET", "/v1/%2e%2e/v2", "path_not_granted"),
}


@pytest.mark.parametrize(("method", "target", "reason"), REQUESTS.values(), ids=REQUESTS)
def test_methods_and_paths_go_on_without_a_credential_alone(
    method: str, target: str, reason: str
) -> None:
    """
    What would have been denied gets no secret; and it does not go on without, as the tool's rule
    is no rule without it.
    """
    head = Head(method, target, "b.example", None)
    for entry, through in ((LIMITED, True), (KEYED, False)):
        cell, _ = reporting(entry)
        rule = cell.rules[0]

        assert (reason, through, through) == said(cell.decide_request(rule, head))
        assert through == cell.decide_host(rule, "a.example", head).allowed


def test_no_rule_that_is_lent_has_a_credential() -> None:
    """
    The host may have one at another port, and so may another host at the same.
    """
    cell, _ = reporting(KEYED, "a.example:443")
    for name, port in (("b.example", 80), ("b.example", 443)):
        rule = cell.decide_name(name, port).rule
        assert rule
        assert "" == rule.credential


def test_every_other_reason_to_deny_stands() -> None:
    """
    A reason that is new is not relaxed until somebody has thought about it.
    """
    rule = Rule.parse(LIMITED)
    relaxed = set()
    for reason in Reason:
        verdict = Verdict.denied(reason)
        found = (
            report_only.relax_name(verdict, None),
            report_only.relax_hello(verdict, rule, None, ()),
            report_only.relax_host(verdict, rule, "b.example", ()),
            report_only.relax_request(verdict, rule),
        )
        if any(each.allowed for each in found):
            relaxed.add(reason.value)

    assert relaxed == {
        *("host_not_granted", "port_not_granted", "sni_missing", "sni_mismatch"),
        *("encrypted_hello", "host_mismatch", "method_not_granted", "path_not_granted"),
    }


def test_what_is_only_reported_hides_nothing_that_was_denied() -> None:
    """
    Each kind is bounded by itself.
    """
    cell, told = reporting()
    for number in range(2 * MAXIMUM_DENIALS):
        name = f"{number}.example"
        cell.deny("resolve", name, Reason.HOST_NOT_GRANTED, reported_only=True)
    cell.deny("resolve", "0.example", Reason.HOST_DENIED)

    assert MAXIMUM_DENIALS + 1 == len(told)
    assert [True, False] == [each["denied"]["reported_only"] for each in told[-2:]]
