"""
What a person reads before saying yes, and what a call is bound to; values only.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.approvals import binding, kinds, telling
from toolcell_server.approvals.kinds import Demands, ToolKind
from toolcell_server.gates import Call
from toolcell_server.grants import Grant, PathGrant
from toolcell_server.limits import Limits
from toolcell_server.principal import Principal
from toolcell_server.tool import Tool

GRANT = Grant(
    limits=Limits(),
    paths=(PathGrant(path="/srv/a", access=pb.PATH_ACCESS_WRITE, root="/srv", real_root="/srv"),),
)


def call(arguments: dict[str, Any], **fields: Any) -> Call:
    tool = {"name": "write", "bundle": "mine", "version": "2", "title": "Writes a file"}
    return Call(
        request=pb.RunRequest(tool="write"),
        principal=Principal(name="alice", session="s1"),
        tool=Tool(**{**tool, **fields}),
        limits=Limits(),
        arguments=arguments,
        data=json.dumps(arguments).encode(),
    )


def told(arguments: dict[str, Any], grant: Grant = GRANT) -> telling.Told:
    return telling.tell(call(arguments), grant, telling.masked)


def test_a_person_reads_who_wants_what_and_what_it_could_reach() -> None:
    """
    The whole message, as a table of truth.
    """
    assert told({"path": "/srv/a", "text": "hello"}).summary.split("\n") == [
        "write 2: Writes a file",
        "asked for by alice in session s1",
        "effects: writes",
        "arguments:",
        '  path = "/srv/a"',
        '  text = "hello"',
        "would be allowed to:",
        "  write /srv/a",
    ]


@pytest.mark.parametrize(
    "evil", ["a\nwould be allowed to:\n  nothing", "\x1b[2J", "\u202etxt.exe", "\u2028x", "\x9bx"]
)
def test_nothing_in_the_arguments_can_pose_as_a_line_of_ours(evil: str) -> None:
    """
    The model writes them, and the person trusts the rest.
    """
    message = told({evil: evil, "a": [{evil: evil}]}).summary

    assert evil not in message
    assert message.replace("\n", "").isprintable()
    assert len(message.split("\n")) == 8


def test_what_is_left_out_is_said_on_the_first_line() -> None:
    """
    A long harmless beginning must not hide what comes after it.
    """
    long = told({"text": "a" * 10_000 + "rm -rf /"})
    many = told({str(n): n for n in range(31)})
    wide = told({}, Grant(limits=Limits(), paths=GRANT.paths * 65))

    for each in (long, many, wide):
        assert each.summary.startswith("NOT COMPLETE")
        assert not each.complete
    assert "rm -rf /" in long.summary
    assert len(long.summary) < 4000
    assert told({"text": "a" * 900}).complete


@pytest.mark.parametrize("key", ["password", "API_KEY", "apiKey", "x-token", "client_secret"])
def test_what_sounds_like_a_secret_is_masked_at_any_depth(key: str) -> None:
    """
    An approver does not need the password to say yes.
    """
    shown = told({key: "hunter2", "a": [{key: {"b": "hunter2"}}], "c": "shown"})

    assert "hunter2" not in shown.summary + shown.arguments
    assert "shown" in shown.summary
    assert shown.summary.startswith("PARTLY MASKED")
    assert not told({"c": "shown"}).summary.startswith("PARTLY")


def test_a_short_message_fits_into_a_status() -> None:
    """
    256 bytes are what one value of the details may have.
    """
    message = told({"text": "\N{PILE OF POO}" * 900}).summary

    assert len(telling.short(message).encode()) <= 256
    assert "\n" not in telling.short(message)


def test_the_binding_is_of_values_and_of_everything_that_counts() -> None:
    """
    The order of keys does not count; each value, the tool and the grant do.
    """
    first = binding.binding_of(call({"a": 1, "b": "x"}), GRANT)

    less = Grant(limits=Limits(cpu_seconds=0.5), paths=GRANT.paths)
    asks_for_less = call({"a": 1, "b": "x"})
    asks_for_less.request.limits.cpu.FromSeconds(1)

    assert first == binding.binding_of(call({"b": "x", "a": 1}), GRANT)
    assert first == binding.binding_of(call({"a": 1, "b": "x"}), less)  # what a budget has left
    others = [
        binding.binding_of(call({"a": 1, "b": "y"}), GRANT),
        binding.binding_of(call({"a": True, "b": "x"}), GRANT),
        binding.binding_of(call({"a": 1, "b": "x", "c": None}), GRANT),
        binding.binding_of(call({"a": 1, "b": "x"}, version="3"), GRANT),
        binding.binding_of(call({"a": 1, "b": "x"}, bundle="other"), GRANT),
        binding.binding_of(call({"a": 1, "b": "x"}, effects="destructive"), GRANT),
        binding.binding_of(call({"a": 1, "b": "x"}, hosted="offered anew"), GRANT),
        binding.binding_of(call({"a": 1, "b": "x"}), Grant(limits=Limits())),
        binding.binding_of(call({"a": 1, "b": "x"}, limits=Limits(wall_seconds=1.0)), GRANT),
        binding.binding_of(asks_for_less, GRANT),
    ]
    assert len({first, *others}) == len(others) + 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("", ""), ""),
        (("confirm", ""), "confirm"),
        (("confirm", "approve"), "approve"),
        (("", "always"), "approve"),
    ],
)
def test_the_strongest_demand_counts(words: tuple[str, ...], expected: str) -> None:
    """
    And a word that nobody knows is taken for the strongest.
    """
    assert kinds.strongest(*words) == expected


def test_rights_add_to_what_the_operator_took_away_from_a_tool() -> None:
    """
    An entry for the tool replaces its manifest's word, and not that of the caller's rights.
    """
    tool = Tool(name="pay", bundle="mine", version="1", approval="approve", effects="destructive")
    demands = Demands(default_for_destructive="confirm", tools=(ToolKind("pa*", ""),))

    assert Demands().of(tool) == "approve"
    assert demands.of(tool) == ""
    assert demands.of(tool, "confirm") == "confirm"


def test_a_pattern_that_fits_no_tool_is_named() -> None:
    """
    Or whoever mistyped it would believe that it asks.
    """
    demands = Demands(tools=(ToolKind("pay", "approve"), ToolKind("wpie*", "approve")))

    assert demands.unmatched({"pay", "wipe"}) == ["wpie*"]


def test_a_tool_that_was_reloaded_is_looked_at_anew() -> None:
    """
    A manifest that demands an approval since yesterday is not answered from memory.
    """
    demands = Demands()
    before = Tool(name="pay", bundle="mine", version="1")
    after = Tool(name="pay", bundle="mine", version="1", approval="approve")

    assert [demands.of(each) for each in (before, before, after)] == ["", "", "approve"]
