"""
What a tool that only reads may be granted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from granting import READ, WRITE, tool
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import effects
from toolcell_server.egress.names import Pattern
from toolcell_server.egress.rules import Rule
from toolcell_server.grant_compiler import compile_grant
from toolcell_server.grants import Grant, PathGrant
from toolcell_server.limits import Limits
from toolcell_server.policy import Policy
from toolcell_server.refusals import DomainNotAllowed, PathNotAllowed

if TYPE_CHECKING:
    from collections.abc import Sequence

GET = {"domain": "api.example:80", "methods": ["GET", "HEAD"]}
GET_OF_ANY = {"domain": "http://{host}", "methods": ["GET"]}
DOMAINS: dict[str, tuple[Any, bool]] = {
    "requests that are only GET": (GET, True),
    "a host of the caller's": (GET_OF_ANY, True),
    "with a credential": (
        {"domain": "http://a.example", "methods": ["GET"], "credential": "k"},
        True,
    ),
    "every method": ("api.example:80", False),
    "a method that changes": ({"domain": "api.example:80", "methods": ["GET", "POST"]}, False),
    "options, which nobody needs": ({"domain": "api.example:80", "methods": ["OPTIONS"]}, False),
    "TLS, in which nobody sees a method": ("api.example:443", False),
    "a raw connection": ("tcp://api.example:5432", False),
    "any URL": ("{url}", False),
}


@pytest.mark.parametrize(("entry", "safe"), DOMAINS.values(), ids=DOMAINS)
def test_a_tool_that_only_reads_may_ask_for_safe_requests_alone(entry: Any, safe: bool) -> None:
    manifest = {"effects": "read_only", "domains": [entry]}

    assert safe is (effects.fault(manifest) == "")
    assert "" == effects.fault({**manifest, "effects": "writes"})


def granted(
    entry: Any, *safe: str, effects: str = "read_only", asked: Sequence[str] = (), **policy: Any
) -> Grant:
    of = tool(domains=(entry,), effects=effects, profile="net")
    patterns = tuple(map(Pattern.parse, safe))
    return compile_grant(
        of,
        Policy(safe_domains=patterns, **policy),
        {"host": "api.example"},
        pb.Grants(domains=asked),
        Limits(),
    )


@pytest.mark.parametrize(
    ("safe", "reaches"),
    [
        ((), False),
        (("api.example",), True),
        (("*.api.example",), False),
        (("other.example",), False),
        (("sub.api.example",), False),
    ],
)
@pytest.mark.parametrize("entry", [GET, GET_OF_ANY], ids=["its host", "the caller's"])
def test_and_only_of_hosts_that_the_operator_calls_safe(
    entry: Any, safe: tuple[str, ...], reaches: bool
) -> None:
    """
    A server may take a GET for an order, and a query carries data away.
    """
    if reaches:
        assert ["api.example:80"] == [rule.text for rule in granted(entry, *safe).domains]
    else:
        with pytest.raises(DomainNotAllowed, match=r"policy\.safe_domains"):
            granted(entry, *safe)


def test_a_wildcard_is_safe_only_if_all_of_it_is() -> None:
    wild = {"domain": "*.api.example:80", "methods": ["GET"]}

    assert granted(wild, "*.api.example").domains
    with pytest.raises(DomainNotAllowed):
        granted(wild, "one.api.example")


def test_what_is_denied_is_not_safe() -> None:
    with pytest.raises(DomainNotAllowed, match="denied by the operator"):
        granted(GET, "api.example", denied_domains=(Pattern.parse("api.example"),))


def test_tools_that_write_need_no_safe_hosts() -> None:
    assert granted("api.example:443", effects="writes").domains


def test_a_policy_that_only_reports_enforces_what_only_reads() -> None:
    """
    Or it would reach whatever it names.
    """
    writes = granted("api.example:443", effects="writes", domains_report_only=True)
    reads = granted(GET, "api.example", domains_report_only=True)

    assert (True, False) == (writes.report_only, reads.report_only)


def test_a_tool_that_came_by_another_way_is_held_to_its_word() -> None:
    """
    The manifest is judged when it is loaded; this is the wall behind it.
    """
    reads = tool(("{path}", "write"), effects="read_only")
    paths = [PathGrant(path="/a", access=WRITE, root="/", real_root="/")]
    with pytest.raises(PathNotAllowed, match="only reads"):
        effects.check_grant(reads, Policy(), paths, ())
    with pytest.raises(DomainNotAllowed, match="cannot be seen"):
        effects.check_grant(reads, Policy(), (), [Rule.parse("api.example:443")])
    effects.check_grant(
        reads, Policy(), [PathGrant(path="/a", access=READ, root="/", real_root="/")], ()
    )
