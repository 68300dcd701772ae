"""
Hosts with valid tokens who are hostile, over a real socket: nobody but their own calls is harmed.
"""

from __future__ import annotations

import contextlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from identities import token
from raw_hosts import SECONDS, RawHost, beside, manifest, offer, refused
from running_server import Server, start_server
from toolcell.v1 import execution_pb2, registry_pb2
from toolcell.v1 import host_pb2 as pb
from toolcell_client import Client
from toolcell_client.errors import NoCapacity, NotPermitted, UnknownTool
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("alice", "bob", "admin", "guest", "narrow")
SECRETS = {name: f"tc_{name}-" + "0123456789abcdef" * 3 for name in NAMES}
OWN = 'scopes = ["tools:*", "toolcell:own_tools"]'
SETTINGS = (
    "[hosts]\nenabled = true\nheartbeat_seconds = 2\ncancel_grace_seconds = 0.3\nqueue = 2\n"
    "most_per_principal = 3\ntools = 4\n"
    + token("alice", SECRETS["alice"], OWN)
    + token("bob", SECRETS["bob"], OWN)
    + token("admin", SECRETS["admin"], 'scopes = ["tools:*", "toolcell:tools"]')
    + token("guest", SECRETS["guest"], 'scopes = ["tools:*"]')
    + token("narrow", SECRETS["narrow"], 'scopes = ["tools:mine_*", "toolcell:own_tools"]')
)
GLOBAL = registry_pb2.TOOL_SCOPE_GLOBAL
CITY = {"city": "Rome"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # A small journal: who does not read his events keeps their tool waiting soon.
    small = "journal_bytes = 65536"
    with start_server(tmp_path_factory.mktemp("server"), SETTINGS, server=small) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_is_left(server: Server) -> Iterator[None]:
    yield
    wait_until(lambda: "toolcell_hosts 0.0" in server.scrape())
    assert "toolcell_hosted_calls 0.0" in server.scrape()


def calling(server: Server, name: str) -> Client:
    return Client(server.target, token=SECRETS[name])


def hosting(server: Server, name: str) -> RawHost:
    return RawHost(server.target, SECRETS[name])


def listed(server: Server, name: str) -> dict[str, registry_pb2.Tool]:
    with calling(server, name) as client:
        return {tool.name: tool for tool in client.list_tools() if tool.hosted}


def test_a_tool_of_ones_own_is_there_for_nobody_else(server: Server) -> None:
    with hosting(server, "alice") as host, calling(server, "alice") as alice:
        host.offers(manifest())
        with calling(server, "bob") as bob, pytest.raises(UnknownTool) as hidden:
            bob.run("look_up", CITY)
        with calling(server, "bob") as bob, pytest.raises(UnknownTool) as none:
            bob.run("look_xp", CITY)
        with beside(lambda: alice.run("look_up", CITY)) as results:
            host.completes(host.hears("start").call, {"found": 1})

    assert {"found": 1} == results.get(timeout=SECONDS).value  # the control
    assert str(none.value).replace("look_xp", "look_up") == str(hidden.value)


def test_lists_tell_of_hosts_only_to_those_who_may_call(server: Server) -> None:
    with hosting(server, "alice") as host, hosting(server, "alice") as second:
        host.offers(manifest())
        second.offers(manifest())
        hers, his = listed(server, "alice"), listed(server, "bob")

    assert 2 == hers["look_up"].hosts
    assert {} == his


def test_two_principals_have_tools_of_one_name_and_each_calls_its_own(server: Server) -> None:
    with hosting(server, "alice") as hers, hosting(server, "bob") as his:
        hers.offers(manifest())
        his.offers(manifest())
        for name, host in (("alice", hers), ("bob", his)):
            with calling(server, name) as client:
                with beside(partial(client.run, "look_up", CITY)) as results:
                    host.completes(host.hears("start").call, name)
                assert name == results.get(timeout=SECONDS).value


def test_a_global_tool_serves_everybody_and_only_who_may_offers_one(server: Server) -> None:
    code, reason, _ = refused(server.target, SECRETS["alice"], offer(manifest(), scope=GLOBAL))
    with hosting(server, "admin") as host, calling(server, "guest") as guest:
        host.offers(manifest(), scope=GLOBAL)
        with beside(lambda: guest.run("look_up", CITY)) as results:
            host.completes(host.hears("start").call, "for all")

    assert ("PERMISSION_DENIED", "NOT_PERMITTED") == (code, reason)
    assert "for all" == results.get(timeout=SECONDS).value


def test_who_has_no_scope_for_it_hosts_nothing(server: Server) -> None:
    code, reason, message = refused(server.target, SECRETS["guest"], offer(manifest()))

    assert ("PERMISSION_DENIED", "NOT_PERMITTED") == (code, reason)
    assert "toolcell:own_tools" in message


def test_nobody_hosts_without_a_token(server: Server) -> None:
    assert "UNAUTHENTICATED" == refused(server.target, "", offer(manifest()))[0]


@pytest.mark.parametrize("name", ["alice", "admin"])
def test_no_offer_takes_the_name_of_a_tool_of_the_server(server: Server, name: str) -> None:
    scope = GLOBAL if name == "admin" else 0
    said = offer(manifest("calculate"), manifest("other"), scope=scope)
    code, reason, _ = refused(server.target, SECRETS[name], said)
    with calling(server, name) as client:
        answer = client.run("calculate", {"expression": "6*7"})

    assert ("FAILED_PRECONDITION", "HOSTED_NAME_TAKEN") == (code, reason)
    assert 42 == answer.value["value"]
    assert {} == listed(server, name)  # nothing of the offer was taken


def test_a_global_name_keeps_its_owner(server: Server) -> None:
    with hosting(server, "admin") as host:
        host.offers(manifest(), scope=GLOBAL)
        code, reason, _ = refused(server.target, SECRETS["bob"], offer(manifest()))

    assert ("FAILED_PRECONDITION", "HOSTED_NAME_TAKEN") == (code, reason)


def test_a_name_that_is_kept_for_oneself_keeps_nobody_from_a_global_one(server: Server) -> None:
    """
    Or whoever comes first would hold names against the operator; and hers is not called any more,
    because nobody's own tool stands before one that is for all.
    """
    with hosting(server, "alice") as hers, hosting(server, "admin") as host:
        hers.offers(manifest())
        host.offers(manifest(), scope=GLOBAL)
        with (
            calling(server, "alice") as alice,
            beside(lambda: alice.run("look_up", CITY)) as results,
        ):
            host.completes(host.hears("start").call, "global")

    assert "global" == results.get(timeout=SECONDS).value


def test_names_beyond_ones_rights_are_refused_whether_or_not_they_exist(server: Server) -> None:
    there = refused(server.target, SECRETS["narrow"], offer(manifest("calculate")))
    nothing = refused(server.target, SECRETS["narrow"], offer(manifest("calculatx")))
    category = manifest("calculate", category="mine_", tags=["mine_x"])
    tagged = refused(server.target, SECRETS["narrow"], offer(category))

    assert "NOT_PERMITTED" == there[1]
    assert "offering the tool 'calculate' without the right to call" in there[2]
    assert there == (*nothing[:2], nothing[2].replace("calculatx", "calculate")) == tagged
    with hosting(server, "narrow") as host:
        host.offers(manifest("mine_own"))  # the control


def test_another_principal_with_the_same_host_id_takes_nothing_over(server: Server) -> None:
    with hosting(server, "alice") as hers, hosting(server, "bob") as his:
        hers.offers(manifest(), host_id="0123456789abcdef")
        his.offers(manifest(), host_id="0123456789abcdef")
        with (
            calling(server, "alice") as alice,
            beside(lambda: alice.run("look_up", CITY)) as results,
        ):
            hers.completes(hers.hears("start").call, "hers")

    assert "hers" == results.get(timeout=SECONDS).value


def test_a_newer_stream_with_the_same_id_supersedes_the_older(server: Server) -> None:
    with hosting(server, "alice") as old, hosting(server, "alice") as new:
        old.offers(manifest(), host_id="0123456789abcdef")
        with calling(server, "alice") as alice:
            with beside(lambda: alice.run("look_up", CITY)) as lost:
                old.hears("start")
                new.offers(manifest(description="Another."), host_id="0123456789abcdef")
                ended = old.ended()
            with beside(lambda: alice.run("look_up", CITY)) as results:
                new.completes(new.hears("start").call, "new")

    assert ("FAILED_PRECONDITION", "HOST_SUPERSEDED") == ended
    assert execution_pb2.LOST_REASON_HOST_GONE == lost.get(timeout=SECONDS).outcome.lost.reason
    assert "new" == results.get(timeout=SECONDS).value


def test_another_definition_of_the_same_version_is_refused(server: Server) -> None:
    with hosting(server, "alice") as host:
        host.offers(manifest())
        code, reason, _ = refused(
            server.target, SECRETS["alice"], offer(manifest(description="Another."))
        )
        with hosting(server, "alice") as other:
            other.offers(manifest(description="Another.", version="2"))  # the control

    assert ("FAILED_PRECONDITION", "HOSTED_TOOL_DIFFERS") == (code, reason)


BROKEN = {
    "an answer to a call that was never given": pb.HostToolsRequest(
        call=4711, completed=pb.HostedCompleted(result_json=b"1")
    ),
    "an answer to no call": pb.HostToolsRequest(completed=pb.HostedCompleted(result_json=b"1")),
    "an event of a call that was never given": pb.HostToolsRequest(
        call=2**63, log=execution_pb2.Log(message="x")
    ),
    "a second offer": offer(manifest()),
    "an answer to a heartbeat that was never sent": pb.HostToolsRequest(
        heartbeat=pb.HostHeartbeat(number=2**40)
    ),
}


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN)
def test_what_no_host_may_say_ends_its_stream_and_no_other(
    server: Server, said: pb.HostToolsRequest
) -> None:
    """
    A call of bob runs meanwhile, with the number that is forged in some.
    """
    with hosting(server, "bob") as his, calling(server, "bob") as bob:
        his.offers(manifest())
        with beside(lambda: bob.run("look_up", CITY)) as results:
            call = his.hears("start").call
            with hosting(server, "alice") as host:
                host.offers(manifest())
                host.say(said)
                ended = host.ended()
            with hosting(server, "alice") as host:  # the number of bob's call, in another stream
                host.offers(manifest())
                host.completes(call, "forged")
                forged = host.ended()
            his.completes(call, "his")

    assert ("INVALID_ARGUMENT", "HOST_PROTOCOL_BROKEN") == ended == forged
    assert "his" == results.get(timeout=SECONDS).value


def test_a_result_that_comes_twice_ends_the_stream(server: Server) -> None:
    with hosting(server, "alice") as host, calling(server, "alice") as alice:
        host.offers(manifest())
        with beside(lambda: alice.run("look_up", CITY)) as results:
            call = host.hears("start").call
            host.completes(call, "first")
            host.completes(call, "second")
            ended = host.ended()

    assert "first" == results.get(timeout=SECONDS).value
    assert ("INVALID_ARGUMENT", "HOST_PROTOCOL_BROKEN") == ended


def test_first_messages_that_are_no_offer_are_refused(server: Server) -> None:
    said = pb.HostToolsRequest(leaving=pb.HostLeaving())

    assert "HOST_PROTOCOL_BROKEN" == refused(server.target, SECRETS["alice"], said)[1]


WRONG: dict[str, dict[str, Any]] = {
    "a partial value that is not JSON": {"partial": execution_pb2.Partial(value_json=b"{")},
    "fields that are no object": {"log": execution_pb2.Log(message="x", fields_json=b"[1]")},
    "output of no stream": {"output": execution_pb2.Output(data=b"x")},
    "a piece of a result that leaves a gap": {
        "result_chunk": execution_pb2.ResultChunk(offset=7, data=b"x")
    },
    "output beyond what one event may hold": {
        "output": execution_pb2.Output(
            stream=execution_pb2.OUTPUT_STREAM_STDOUT, data=b"x" * (2**20 + 1)
        )
    },
}


@pytest.mark.parametrize("said", WRONG.values(), ids=WRONG)
def test_a_wrong_event_ends_its_call_and_not_the_stream(
    server: Server, said: dict[str, Any]
) -> None:
    with hosting(server, "alice") as host, calling(server, "alice") as alice:
        host.offers(manifest())
        with beside(lambda: alice.run("look_up", CITY)) as results:
            call = host.hears("start").call
            host.of(call, **said)
            assert call == host.hears("cancel").call
            host.of(call, cancelled=pb.HostedCancelled())
        with beside(lambda: alice.run("look_up", CITY)) as again:
            host.completes(host.hears("start").call, "again")

    outcome = results.get(timeout=SECONDS).outcome
    assert "ProtocolError" == outcome.failed.exception
    assert "the tool's host broke the protocol" in outcome.message
    assert "again" == again.get(timeout=SECONDS).value


@pytest.mark.parametrize(
    "result",
    [b"{", b"NaN", b"", b'{"population": "many"}', b"\xff"],
    ids=["no JSON", "no strict JSON", "nothing", "not what is promised", "no UTF-8"],
)
def test_a_result_that_is_none_fails_its_call(server: Server, result: bytes) -> None:
    returns = {"type": "object", "properties": {"population": {"type": "integer"}}}
    with hosting(server, "alice") as host, calling(server, "alice") as alice:
        host.offers(manifest(returns=returns))
        with beside(lambda: alice.run("look_up", CITY)) as results:
            call = host.hears("start").call
            host.of(call, completed=pb.HostedCompleted(result_json=result))

    assert "ResultInvalid" == results.get(timeout=SECONDS).outcome.failed.exception


def test_a_result_that_is_too_large_ends_its_call_and_not_the_stream(server: Server) -> None:
    with hosting(server, "alice") as host, calling(server, "alice") as alice:
        host.offers(manifest(limits={"result_bytes": 1000}))
        with beside(lambda: alice.run("look_up", CITY)) as results:
            host.completes(host.hears("start").call, "x" * 1000)
        with beside(lambda: alice.run("look_up", CITY)) as again:
            host.completes(host.hears("start").call, "x" * 900)

    assert execution_pb2.LIMIT_RESULT == results.get(timeout=SECONDS).outcome.exceeded.limit
    assert again.get(timeout=SECONDS).ok


def test_who_sends_beyond_the_credit_is_cut_off(server: Server) -> None:
    """
    Its caller does not read, and the journal is full.
    """
    output = execution_pb2.Output(stream=execution_pb2.OUTPUT_STREAM_STDOUT, data=b"x" * 60_000)
    with hosting(server, "alice") as host, calling(server, "alice") as alice:
        window = host.offers(manifest(limits={"output_bytes": 16 * 2**20})).window_bytes
        stream = alice.execute("look_up", CITY)
        call = host.hears("start").call
        for _ in range(20 * 2**20 // 60_000):
            host.of(call, output=output)
        ended = host.ended()
        outcome = stream.result().outcome

    assert window < 2**20
    assert ("INVALID_ARGUMENT", "HOST_PROTOCOL_BROKEN") == ended
    assert execution_pb2.LOST_REASON_HOST_GONE == outcome.lost.reason


def test_a_flood_of_messages_keeps_nobody_from_being_served(server: Server) -> None:
    with hosting(server, "alice") as host, calling(server, "bob") as bob:
        host.offers(manifest())
        host.say(*[pb.HostToolsRequest(heartbeat=pb.HostHeartbeat())] * 100_000)
        answers = [bob.run("calculate", {"expression": "6*7"}).value["value"] for _ in range(10)]

    assert [42] * 10 == answers


def test_a_host_that_answers_no_heartbeat_is_gone(server: Server) -> None:
    with hosting(server, "alice") as host, calling(server, "alice") as alice:
        host.offers(manifest())
        with beside(lambda: alice.run("look_up", CITY)) as results:
            host.hears("start")
            host.alive = False
            ended = host.ended()

    assert ("UNAVAILABLE", "HOST_SILENT") == ended
    assert execution_pb2.LOST_REASON_HOST_GONE == results.get(timeout=SECONDS).outcome.lost.reason
    with pytest.raises(UnknownTool):
        calling(server, "alice").run("look_up", CITY)


def test_a_host_that_reads_nothing_is_gone_though_its_connection_is_full(server: Server) -> None:
    """
    Who comes late hears that there is no such tool any more; on a slow machine that may be all.
    The tool has a name of its own: so many lost calls open its circuit breaker for ten seconds.
    """
    lost: list[int] = []
    for _ in range(20):
        with RawHost(server.target, SECRETS["alice"], deaf=True) as host:
            host.say(offer(manifest("look_deaf"), concurrency=16))
            wait_until(lambda: "look_deaf" in listed(server, "alice"))
            lost += _lost_calls(server)
            wait_until(lambda: "toolcell_hosts 0.0" in server.scrape())  # while it is connected
            assert {} == listed(server, "alice")
        if lost:
            break

    assert {execution_pb2.LOST_REASON_HOST_GONE} == set(lost)


def _lost_calls(server: Server) -> list[int]:
    """
    Calls with more than a connection holds that nobody reads: why they were lost.
    """
    large = {"city": "x" * 900_000}
    with contextlib.ExitStack() as calls:
        alice = calls.enter_context(calling(server, "alice"))
        running = [
            calls.enter_context(beside(lambda: alice.run("look_deaf", large))) for _ in range(16)
        ]
    ended = [results.get(timeout=SECONDS) for results in running]
    return [each.outcome.lost.reason for each in ended if not isinstance(each, UnknownTool)]


def test_one_that_does_not_end_a_cancelled_call_keeps_its_own_place_only(server: Server) -> None:
    """
    The caller waits for the grace and no longer; the place stays taken, because the tool may still
    run; a second host serves.
    """
    with hosting(server, "alice") as deaf, calling(server, "alice") as alice:
        deaf.offers(manifest())
        stream = alice.execute("look_up", CITY)
        next(stream)  # before, nobody knows what to cancel
        call = deaf.hears("start").call
        stream.cancel()
        assert call == deaf.hears("cancel").call
        cancelled = stream.result().outcome
        deaf.of(call, log=execution_pb2.Log(message="late"))  # dropped, and no fault
        with hosting(server, "alice") as good:
            good.offers(manifest())
            for _ in range(3):
                with beside(lambda: alice.run("look_up", CITY)) as more:
                    good.completes(good.hears("start").call, "good")
                assert "good" == more.get(timeout=SECONDS).value
        wait_until(lambda: 1 == listed(server, "alice")["look_up"].hosts)
        deaf.completes(call, "too late")
        with beside(lambda: alice.run("look_up", CITY)) as last:
            deaf.completes(deaf.hears("start").call, "free again")

    assert execution_pb2.CANCEL_REASON_REQUESTED == cancelled.cancelled.reason
    assert "free again" == last.get(timeout=SECONDS).value


INVALID = {
    "no manifest": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "no description": json.dumps({"name": "x", "parameters": {"type": "object"}}).encode(),
    "paths": json.dumps(manifest(paths=[{"path": "/etc", "access": "read"}])).encode(),
    "domains": json.dumps(manifest(domains=["example.com:443"])).encode(),
    "a cache": json.dumps(manifest(effects="read_only", cache_ttl_seconds=60)).encode(),
    "a workspace": json.dumps(manifest(workspace="write")).encode(),
    "an interpreter": json.dumps(manifest(stateful=True)).encode(),
    "isolation": json.dumps(manifest(minimum_isolation="strong")).encode(),
    "a limit of cells": json.dumps(manifest(limits={"memory_bytes": 1})).encode(),
    "a name that is none": json.dumps(manifest("no name")).encode(),
    "the server's own word": json.dumps(manifest(hosted="x")).encode(),
    "a schema that is a bomb": json.dumps(
        manifest(parameters={"type": "object", "allOf": [{"$ref": "#"}] * 100})
    ).encode(),
    "too large": b'{"name": "' + b"x" * 200_000 + b'"}',
}


@pytest.mark.parametrize("definition", INVALID.values(), ids=INVALID)
def test_an_offer_that_is_not_valid_says_what_and_where(server: Server, definition: bytes) -> None:
    said = pb.HostOffer(host_id="0123456789abcdef", tools=[pb.HostedTool(manifest_json=definition)])
    found = refused(server.target, SECRETS["alice"], pb.HostToolsRequest(offer=said))

    assert ("INVALID_ARGUMENT", "HOST_OFFER_INVALID") == found[:2]
    assert "offer/tools/0/manifest_json" in found[2]


def test_limits_on_hosts_and_on_tools_are_held(server: Server) -> None:
    many = offer(*(manifest(f"tool_{number}") for number in range(5)))
    too_many = refused(server.target, SECRETS["alice"], many)[:2]
    with contextlib.ExitStack() as opened:
        for _ in range(3):
            opened.enter_context(hosting(server, "alice")).offers(manifest())
        fourth = refused(server.target, SECRETS["alice"], offer(manifest()))[:2]
        with hosting(server, "bob") as other:
            other.offers(manifest())  # the control

    assert ("RESOURCE_EXHAUSTED", "TOO_MANY_HOSTS") == too_many == fourth


def test_calls_wait_for_a_place_and_no_more_than_the_queue_holds(server: Server) -> None:
    with hosting(server, "alice") as host, calling(server, "alice") as alice:
        host.offers(manifest())

        def run() -> Any:
            return alice.run("look_up", CITY)

        with beside(run) as first:
            call = host.hears("start").call
            with beside(run) as second, beside(run) as third:
                wait_until(lambda: _known(alice) >= 3)
                once = Client(server.target, token=SECRETS["alice"], attempts=0)
                with once, pytest.raises(NoCapacity, match="every host of the tool is busy"):
                    once.run("look_up", CITY)
                for value in ("first", "second", "third"):
                    host.completes(call, value)
                    call = host.hears("start").call if value != "third" else 0
        values = [results.get(timeout=SECONDS).value for results in (first, second, third)]

    assert {"first", "second", "third"} == set(values)


def _known(client: Client) -> int:
    executions = list(client.list_executions(tool="look_up"))
    return sum(each.state != execution_pb2.EXECUTION_STATE_FINISHED for each in executions)


def test_a_forbidden_tool_cannot_be_hosted_under_ones_own_rights(server: Server) -> None:
    with calling(server, "narrow") as client, pytest.raises(NotPermitted):
        client.run("calculate", {"expression": "1"})
