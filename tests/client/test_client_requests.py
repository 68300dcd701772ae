"""
What a client sends, and what it refuses to send.
"""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import Client
from toolcell_client.testing import completed

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer


def test_every_call_has_a_request_id_of_its_own(server: FakeServer, client: Client) -> None:
    """
    It is what makes trying again safe; one that repeats would replay another call's answer.
    """
    server.tool("echo", completed())

    for _ in range(3):
        client.run("echo")

    ids = {request.request_id for request in server.requests}
    assert len(ids) == 3
    assert all(uuid.UUID(each).version == 4 for each in ids)


def test_limits_and_grants_reach_the_server(server: FakeServer, client: Client) -> None:
    """
    A limit that got lost on the way would be a limit the caller believes in.
    """
    server.tool("echo", completed())

    client.run(
        "echo",
        limits={"wall_seconds": 1.5, "memory_bytes": 2**26, "processes": 1},
        grants={"paths": ["/a", {"path": "/b", "access": "write"}], "domains": ["h:443"]},
        minimum_isolation="strong",
        timeout=3,
    )

    request = server.requests[0]
    assert (request.limits.wall.seconds, request.limits.wall.nanos) == (1, 500_000_000)
    assert (request.limits.memory_bytes, request.limits.processes) == (2**26, 1)
    accesses = [(grant.path, grant.access) for grant in request.grants.paths]
    assert accesses == [("/a", pb.PATH_ACCESS_READ), ("/b", pb.PATH_ACCESS_WRITE)]
    assert request.minimum_isolation == pb.ISOLATION_LEVEL_STRONG
    assert request.timeout.seconds == 3


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ({"n": math.nan}, {}, "not JSON compliant"),
        ({}, {"limits": {"wal_seconds": 1}}, "no limit is called 'wal_seconds'"),
        ({}, {"limits": {"processes": 1.5}}, "positive whole number"),
        ({}, {"limits": {"wall_seconds": 0}}, "positive number of seconds"),
        ({}, {"limits": {"wall_seconds": 1, "wall": 2}}, "keep one"),
        ({}, {"timeout": -1}, "timeout must be a positive number"),
        ({}, {"timeout": math.inf}, "timeout must be a positive number"),
        ({}, {"minimum_isolation": "total"}, "it has none, basic, strong, full"),
        ({}, {"grants": {"path": []}}, "they have paths and domains"),
        ({}, {"grants": {"domains": []}}, "no domains would mean all .*; leave domains out"),
        ({}, {"grants": {"paths": [], "domains": ["h:443"]}}, "no paths would mean all"),
    ],
    ids=[
        "NaN in the arguments",
        "a limit that does not exist",
        "half a process",
        "no time at all",
        "the same limit by two names",
        "a negative timeout",
        "an endless timeout",
        "an isolation level that does not exist",
        "a misspelt grant",
        "a grant of no domain",
        "a grant of no path beside one of a domain",
    ],
)
def test_what_cannot_be_sent_is_an_error_before_it_is_sent(
    server: FakeServer, client: Client, arguments: Any, options: Any, message: str
) -> None:
    """
    Protobuf would send zero, which means "no limit asked for".
    """
    server.tool("echo", completed())

    with pytest.raises(ValueError, match=message):
        client.run("echo", arguments, **options)

    assert server.requests == []


@pytest.mark.parametrize(
    ("grants", "message"),
    [
        ({"domains": "h:443"}, "domains must be a list, not 'h:443'"),
        ({"paths": "/srv"}, "paths must be a list, not '/srv'"),
        ({"domains": [{"domain": "h:443"}]}, "a domain must be a text, as 'host:443', not {"),
    ],
    ids=["a domain alone", "a path alone", "the form of manifests"],
)
def test_a_grant_of_a_wrong_type_is_an_error_before_it_is_sent(
    server: FakeServer, client: Client, grants: Any, message: str
) -> None:
    """
    A text would be taken apart into letters.
    """
    with pytest.raises(TypeError, match=message):
        client.run("echo", {}, grants=grants)

    assert server.requests == []


def test_spans_may_be_named_as_on_the_command_line(server: FakeServer, client: Client) -> None:
    """
    Nobody remembers which of the two wants the unit.
    """
    server.tool("echo", completed())

    client.run("echo", limits={"wall": 2, "cpu": 1})

    limits = server.requests[0].limits
    assert (limits.wall.seconds, limits.cpu.seconds) == (2, 1)


def test_arguments_by_keyword_are_told_where_they_go(client: Client) -> None:
    """
    The first thing that a newcomer tries.
    """
    with pytest.raises(TypeError, match=r"arguments go in a mapping: run\(\"bare\", {\"x\": 3}\)"):
        client.run("bare", x=3)  # type: ignore[call-arg]


@pytest.mark.parametrize("labels", [{"a": 1}, {1: "a"}], ids=["value", "key"])
def test_a_label_that_is_no_text_is_named(client: Client, labels: Any) -> None:
    """
    Protobuf would name its own type, and not the label.
    """
    with pytest.raises(TypeError, match=rf"label {next(iter(labels))!r} must be text"):
        client.run("echo", labels=labels)


def test_a_misspelt_option_is_an_error(client: Client) -> None:
    """
    An option that is silently ignored may be the one that keeps a call safe.
    """
    with pytest.raises(TypeError, match="validate"):
        client.run("echo", {}, validate=True)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (None, b""),
        ({"å": "ß"}, '{"å":"ß"}'.encode()),
        ('{"a": NaN}', b'{"a": NaN}'),
        (b'{"a":1,"a":2}', b'{"a":1,"a":2}'),
    ],
    ids=["none", "a mapping", "text as it stands", "bytes as they stand"],
)
def test_arguments_travel_as_they_are(
    server: FakeServer, client: Client, arguments: Any, sent: bytes
) -> None:
    """
    A model's JSON text goes to the server unread: its strict parser is the judge.
    """
    server.tool("echo", completed())

    client.run("echo", arguments)

    assert server.requests[0].arguments_json == sent


def test_the_target_comes_from_the_environment(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An argument beats it; without either it is the server's default address.
    """
    server.tool("echo", completed(1))
    monkeypatch.setenv("TOOLCELL_TARGET", server.target)

    with Client() as client:
        assert client.run("echo").value == 1
    with Client("elsewhere:1") as client:
        assert client.options.target == "elsewhere:1"
    monkeypatch.delenv("TOOLCELL_TARGET")
    with Client() as client:
        assert client.options.target == "127.0.0.1:50051"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metadata": {"Upper": "x"}}, "metadata key 'Upper' must be lower-case"),
        ({"metadata": {"key": "line\nbreak"}}, "printable ASCII"),
        ({"metadata": {"key": "ünï"}}, "printable ASCII"),
        ({"metadata": {"key-bin": "text"}}, "have bytes"),
        ({"timeout": 0}, "timeout must be positive"),
        ({"attempts": -1}, "attempts must not be negative"),
    ],
    ids=["upper case", "line break", "not ASCII", "text for bytes", "no time", "negative attempts"],
)
def test_options_are_checked_when_the_client_is_made(options: Any, message: str) -> None:
    """
    GRPC would raise its own internal error, much later, in another place.
    """
    with pytest.raises(ValueError, match=message):
        Client("127.0.0.1:1", **options)


def test_a_token_and_a_pin_travel_together(server: FakeServer, client: Client) -> None:
    """
    The contract has one field for both, and a PIN alone is nothing.
    """
    server.tool("pay", completed())

    client.run("pay", approval_token="t")  # no password
    client.run("pay", approval_token="t", approval_pin="2468")  # as above

    assert [request.approval_token for request in server.requests] == ["t", "t.2468"]
    with pytest.raises(ValueError, match="approval_pin goes with an approval_token"):
        client.run("pay", approval_pin="2468")
