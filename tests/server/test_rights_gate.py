"""
Rules in admission: what they refuse, route and mark, with the real stations around them.
"""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from admitting import WALLS, FileOpener, request
from ruling import rights, rule
from toolcell_server.admission import Admission
from toolcell_server.capacity import Capacity
from toolcell_server.granting import Granting
from toolcell_server.limits import Limits
from toolcell_server.permitted import PermittedTools
from toolcell_server.policy import Policy
from toolcell_server.principal import Principal
from toolcell_server.refusals import (
    ArgumentsInvalid,
    ArgumentsTooLarge,
    CallRefused,
    DeniedByRule,
    NobodyApproves,
    NotPermitted,
)
from toolcell_server.registry import Registry
from toolcell_server.rights_gate import RightsGate
from toolcell_server.validation import Validation

if TYPE_CHECKING:
    import contextlib

    from toolcell_server.execution import Execution
    from toolcell_server.gates import Call
    from toolcell_server.rights import Rights

AMOUNT = {"type": "object", "properties": {"amount": {"type": "integer"}}}
SMALL = {"type": "object", "properties": {"amount": {"maximum": 100}}}


def manifest(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "description": name, "parameters": AMOUNT, **changes}


MANIFESTS = [
    manifest("pay"),
    manifest("ask_people"),
    manifest("pay_small", parameters=SMALL),
    manifest("pay_tiny", limits={"arguments_bytes": 5}),
    manifest("hidden"),
]


class Approving:
    """
    Sees to every approval that is demanded.
    """

    def __init__(self) -> None:
        self.demanded: list[str] = []

    async def let_pass(self, call: Call, _resources: contextlib.ExitStack) -> Call:
        self.demanded.append(call.approval_demanded)
        return dataclasses.replace(call, approval_demanded="")


def admit(found: Rights, *later: Any, principal: Principal, **fields: Any) -> Execution:
    registry, validation = Registry(Limits(), Limits()), Validation()
    registry.replace("mine", {"tools": MANIFESTS})
    tools = PermittedTools(registry, found)
    to = Admission(
        tools=tools,
        validation=validation,
        granting=Granting(policy=Policy(), isolation=lambda _: WALLS),
        capacity=Capacity(running=2, queue=0),
        opener=FileOpener(),
        gates=(RightsGate(found, tools, validation), *later),
    )

    async def whole() -> Execution:
        try:
            execution = await to.admit(request(Path("/"), **fields), None, principal)
        finally:
            await validation.aclose()
        execution.close()
        return execution

    return asyncio.run(whole())


ALICE = Principal(name="alice", roles=frozenset({"all"}))
ALL = {"all": ["pay*", "ask_people"]}
BIG = ("/amount", "greater", 10)


def refused(*tables: dict[str, Any], amount: Any = 11, tool: str = "pay") -> CallRefused:
    arguments = {} if amount is None else {"amount": amount}
    with pytest.raises(CallRefused) as caught:
        admit(rights(ALL, *tables), principal=ALICE, tool=tool, arguments=arguments)
    return caught.value


def ran(*tables: dict[str, Any], amount: int = 11, **fields: Any) -> str:
    execution = admit(
        rights(ALL, *tables),
        principal=ALICE,
        tool="pay",
        arguments={"amount": amount},
        **fields,
    )
    return execution.tool.name


def test_a_rule_refuses_with_the_words_of_the_operator() -> None:
    """
    The model is told what the operator wants it to know, and which rule it was.
    """
    told = refused(rule("deny", BIG, name="small", message="Amounts above 10 are for people"))

    assert type(told) is DeniedByRule
    assert (told.code, told.reason) == ("PERMISSION_DENIED", "DENIED_BY_RULE")
    assert told.message.startswith("Amounts above 10 are for people;")
    assert told.metadata["rule"] == "small"
    assert ran(rule("deny", BIG), amount=10) == "pay"


def test_a_rule_in_doubt_refuses_and_names_the_argument() -> None:
    """
    Leaving out what a rule asks for is no way around it; the caller is told what to send.
    """
    told = refused(rule("deny", BIG), amount=None)

    assert "'/amount' is missing" in told.message
    assert told.metadata["argument"] == "/amount"


def test_a_rule_that_plainly_does_not_allow_a_value_casts_no_doubt_on_it() -> None:
    """
    Who is told that an argument is missing, or of the wrong type, looks for a fault of his own.
    """
    told = refused(rule("allow", BIG, name="big"), amount=3)

    assert told.message.startswith("the rule big does not allow this call with these arguments;")
    assert told.metadata["argument"] == ""
    assert "is missing" in refused(rule("allow", BIG, name="big"), amount=None).message


def test_validate_only_hears_what_a_call_would_hear() -> None:
    """
    A preview that says yes to what will be refused is worse than none.
    """
    with pytest.raises(DeniedByRule):
        ran(rule("deny", BIG), validate_only=True)
    assert ran(rule("deny", BIG), amount=1, validate_only=True) == "pay"
    with pytest.raises(NotPermitted):
        admit(rights(ALL), principal=ALICE, tool="hidden", validate_only=True)


def test_a_route_puts_another_tool_in_its_place() -> None:
    """
    With the same arguments, as if it had been called.
    """
    assert ran(rule("route", BIG, otherwise="ask_people")) == "ask_people"
    assert ran(rule("route", BIG, otherwise="ask_people"), amount=1) == "pay"


def test_a_route_ends_at_what_the_caller_may_not_call_or_what_is_not_there() -> None:
    """
    A route gives nobody a right; and it tells nobody the name of what is not his.
    """
    hidden = refused(rule("route", otherwise="hidden"))
    missing = refused(rule("route", otherwise="no_such_tool"))

    assert type(hidden) is type(missing) is DeniedByRule
    assert hidden.message == missing.message
    assert "hidden" not in hidden.message


def test_arguments_must_fit_the_tool_that_a_route_leads_to() -> None:
    """
    Its schema and its limits were written for what it does with them.
    """
    small = rule("route", otherwise="pay_small")

    assert ran(small, amount=100) == "pay_small"
    assert type(refused(small, amount=101)) is ArgumentsInvalid
    assert type(refused(rule("route", otherwise="pay_tiny"))) is ArgumentsTooLarge


def test_the_rules_of_the_tool_that_a_route_leads_to_are_asked() -> None:
    """
    Or a route would be a way around them.
    """
    route = rule("route", tools=["pay"], otherwise="ask_people")

    assert type(refused(route, rule("deny", BIG, tools=["ask_people"]))) is DeniedByRule
    assert ran(route, rule("deny", BIG, tools=["ask_people"]), amount=1) == "ask_people"
    assert type(refused(route, rule("deny", tools=["ask_people"]))) is DeniedByRule


def test_a_call_is_routed_once() -> None:
    """
    Two rules that lead to each other would lead nowhere, for ever.
    """
    there = rule("route", tools=["pay"], otherwise="ask_people")
    back = rule("route", tools=["ask_people"], otherwise="pay")

    assert "routed once" in refused(there, back).message


def test_a_route_to_itself_leads_nowhere() -> None:
    """
    "All of these to that one" means that one, too.
    """
    assert ran(rule("route", tools=["*"], otherwise="pay")) == "pay"
    assert ran(rule("route", tools=["*"], otherwise="ask_people")) == "ask_people"


def test_a_call_that_needs_an_approval_is_marked_for_whoever_gives_it() -> None:
    """
    And for both tools, if one is routed to the other: the stronger one counts.
    """
    approving = Approving()
    tables = [
        rule("require_approval", BIG, tools=["pay"], approval="confirm"),
        rule("route", ("/amount", "greater", 50), tools=["pay"], otherwise="ask_people"),
        rule("require_approval", tools=["ask_people"]),
    ]
    for amount in (1, 11, 51):
        admit(
            rights(ALL, *tables),
            approving,
            principal=ALICE,
            tool="pay",
            arguments={"amount": amount},
        )

    assert approving.demanded == ["", "confirm", "approve"]


def test_a_call_that_needs_an_approval_is_refused_where_nobody_gives_it() -> None:
    """
    A rule whose demand nobody hears must not let the call through.
    """
    assert type(refused(rule("require_approval", BIG))) is NobodyApproves
    assert ran(rule("require_approval", BIG), amount=1) == "pay"


def test_a_rule_for_a_place_goes_by_where_the_call_comes_from() -> None:
    """
    The same caller, the same call.
    """
    found = rights(ALL, rule("require_approval", outside=["10.0.0.0/8"]))

    def from_(origin: str) -> str:
        caller = dataclasses.replace(ALICE, origin=origin)
        return admit(found, principal=caller, tool="pay", arguments={}).tool.name

    assert from_("ipv4:10.0.0.1:5") == "pay"
    for origin in ("ipv4:11.0.0.1:5", ""):
        with pytest.raises(NobodyApproves):
            from_(origin)


def test_nothing_is_left_open_when_a_rule_refuses() -> None:
    """
    A caller who is refused again and again must not use anything up.
    """
    taken: list[str] = []

    class Taking:
        async def let_pass(self, call: Call, resources: contextlib.ExitStack) -> Call:
            resources.callback(taken.append, "given back")
            return dataclasses.replace(call, approval_demanded="approve")

    with pytest.raises(NobodyApproves):
        admit(rights(ALL), Taking(), principal=ALICE, tool="pay", arguments={})
    assert taken == ["given back"]
