"""
PINs: few guesses, however they are sent.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from approving import MORNING, Office, asked, office
from scripted_executor import run
from served import refusal
from toolcell.v1 import approval_pb2 as pb
from toolcell_client.cli.approvals import hashed
from toolcell_server.approvals.pins import PinHash

if TYPE_CHECKING:
    from pathlib import Path

PINS = [{"principal": "alice", "hash": PinHash.of("2468").text()}]


async def ask(place: Office) -> str:
    return asked((await refusal(place.run("mail")))[1])[1]


async def reason(place: Office, token: str) -> tuple[str, str]:
    _, info = await refusal(place.run("mail", token=token))
    return info.reason, info.metadata.get("attempts_left", "")


def test_a_confirmation_with_a_pin_needs_the_pin() -> None:
    """
    The token comes back to the program that calls, perhaps to its model; the PIN does not.
    """

    async def scenario() -> None:
        async with office(pins=PINS) as place:
            token = await ask(place)
            assert await reason(place, token) == ("APPROVAL_PIN_WRONG", "3")  # none came
            assert await reason(place, f"{token}.1111") == ("APPROVAL_PIN_WRONG", "2")
            assert place.ran == 0
            await place.run("mail", token=f"{token}.2468")
            assert place.ran == 1
            bobs = asked((await refusal(place.run("mail", "bob")))[1])[1]
            await place.run("mail", "bob", bobs)  # has none

    run(scenario())


def test_after_too_many_wrong_pins_even_the_right_one_is_too_late() -> None:
    """
    The approval is void; a new one starts afresh.
    """

    async def scenario() -> None:
        async with office(pins=PINS) as place:
            token = await ask(place)
            for left in ("2", "1", "0"):
                assert await reason(place, f"{token}.0000") == ("APPROVAL_PIN_WRONG", left)
            assert await reason(place, f"{token}.2468") == ("APPROVAL_PIN_WRONG", "0")
            (approval,) = (await place.list("alice")).approvals
            assert (approval.state, place.ran) == (pb.APPROVAL_STATE_VOID, 0)
            assert [each.what for each in place.happenings].count("wrong_pin") == 3
            again = await ask(place)
            await place.run("mail", token=f"{again}.2468")
            assert place.ran == 1

    run(scenario())


def test_new_approvals_do_not_give_new_guesses_without_end() -> None:
    """
    A model that asks again after each three would have a four-digit PIN within the hour.
    """

    async def scenario() -> None:
        async with office(pins=PINS, pin_lock_seconds=100, confirm_seconds=3600) as place:
            for _ in range(3):
                token = await ask(place)
                for _ in range(3):
                    await reason(place, f"{token}.0000")
            token = await ask(place)
            code, info = await refusal(place.run("mail", token=f"{token}.2468"))
            assert (code, info.reason) == ("RESOURCE_EXHAUSTED", "APPROVAL_PIN_LOCKED")
            place.clock.now = MORNING + 99
            assert (await reason(place, f"{token}.2468"))[0] == "APPROVAL_PIN_LOCKED"
            place.clock.now = MORNING + 100
            await place.run("mail", token=f"{token}.2468")
            assert place.ran == 1

    run(scenario())


def test_each_lock_lasts_twice_as_long_until_the_right_pin_comes() -> None:
    """
    Waiting is no way to guess either.
    """

    async def scenario() -> None:
        async with office(pins=PINS, pin_lock_seconds=100, confirm_seconds=3600) as place:
            seconds = []
            for _ in range(3):
                for _ in range(3):
                    token = await ask(place)
                    for _ in range(3):
                        await reason(place, f"{token}.0000")
                until = place.desk._counts.locked_until("alice")
                seconds.append(until - place.clock.now)
                place.clock.now = until
            assert seconds == [100.0, 200.0, 400.0]

    run(scenario())


def test_guesses_at_the_same_time_are_counted_each(tmp_path: Path) -> None:
    """
    What is looked at first and counted afterwards is guessed in parallel.
    """

    async def scenario() -> None:
        async with office(folder=str(tmp_path), pins=PINS) as place:
            token = await ask(place)
            guesses = [place.run("mail", token=f"{token}.{n:04}") for n in range(40)]
            ended = await asyncio.gather(*guesses, return_exceptions=True)
            assert all(isinstance(each, BaseException) for each in ended)
            assert [each.what for each in place.happenings].count("wrong_pin") == 3
            assert place.ran == 0

    run(scenario())


def test_a_pin_that_is_only_checked_tells_nothing() -> None:
    """
    `validate_only` is not counted, so it must not be an oracle.
    """

    async def scenario() -> None:
        async with office(pins=PINS) as place:
            token = await ask(place)
            right = await place.run("mail", token=f"{token}.2468", validate_only=True)
            wrong = await place.run("mail", token=f"{token}.0000", validate_only=True)
            assert right.finished.outcome == wrong.finished.outcome
            assert await reason(place, token) == ("APPROVAL_PIN_WRONG", "3")

    run(scenario())


def test_the_command_line_hashes_as_the_server_checks() -> None:
    """
    The two rooms do not import each other; this is what keeps them alike.
    """
    made = PinHash.parse(hashed("pässword"))

    assert made.fits("pässword")
    assert not made.fits("passwort")
    assert PinHash.parse(made.text()) == made


@pytest.mark.parametrize(
    "text",
    ["", "1234", "scrypt$13$a$b", "scrypt$99$" + "A" * 22 + "$" + "A" * 43, "$$$", "é$1$2$3"],
)
def test_what_is_no_hash_is_not_repeated(text: str) -> None:
    """
    Somebody will write the PIN itself into the settings; the error must not print it.
    """
    with pytest.raises(ValueError, match="is ") as caught:
        PinHash.parse(text)

    assert not text or text not in str(caught.value)


def test_neither_pin_nor_token_is_in_what_a_server_keeps(tmp_path: Path) -> None:
    """
    Whoever reads the database cannot confirm anything.
    """

    async def scenario() -> tuple[str, Any]:
        async with office(folder=str(tmp_path), pins=PINS) as place:
            token = await ask(place)
            await reason(place, f"{token}.1357")
            return token, place.happenings

    token, happenings = run(scenario())
    kept = b"".join(each.read_bytes() for each in tmp_path.iterdir())

    assert b"mail" in kept  # the control
    assert token.encode() not in kept
    assert b"1357" not in kept
    assert token not in repr(happenings)
