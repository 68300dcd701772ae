"""
Voice sessions whose calls need a yes of the server's: of the user, with a PIN, or of somebody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from approval_place import Place
from approving import metadata
from realtime_events import calls, item, says, user_says
from toolcell_client import AsyncClient
from toolcell_client.voice import VoiceOptions, VoiceSession
from toolcell_client.voice.answers import CONFIRM_CALL
from toolcell_client.voice.outgoing import MARK, READ_BACK, WORD_FOR_WORD
from voice_wire import Wire, served
from waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("place"))
    try:
        yield place
    finally:
        place.server.stop()


@contextlib.asynccontextmanager
async def talking(place: Place, who: str, **options: Any) -> AsyncIterator[Wire]:
    wire = Wire()
    settings = VoiceOptions(approval_poll_seconds=0.1, **options)
    async with (
        AsyncClient(place.server.target, metadata=metadata(who)) as client,
        VoiceSession(client, options=settings) as voice,
        served(voice, (wire.receive, wire.send)),
    ):
        yield wire


async def read_out(wire: Wire) -> str:
    """
    Read out what the session wants to have read out.
    """
    marked = {MARK: READ_BACK}
    await until(lambda: wire.sent[-1].get("response", {}).get("metadata") == marked)
    told = wire.sent[-1]["response"]["instructions"].removeprefix(WORD_FOR_WORD)
    question = str(json.loads(told))
    wire.feed(*says("read", question, metadata=marked))
    return question


async def confirmed(wire: Wire, confirmation_id: str, said: str) -> Any:
    """
    What comes of a yes of the user.
    """
    yes = {"confirmation_id": confirmation_id, "phrase": "yes"}
    wire.feed(*user_says("u1", said), *calls("r9", item("yes", CONFIRM_CALL, yes)))
    return await wire.answered("yes")


def test_a_mail_is_sent_after_a_yes(place: Place) -> None:
    async def scenario() -> None:
        async with talking(place, "alice") as wire:
            wire.feed(*calls("r1", item("c1", "mail", {"to": "zoe"})))
            asked = await wire.answered("c1")
            assert "run mail with to zoe" in await read_out(wire)

            told = await confirmed(wire, asked["confirmation_id"], "Yes.")

            assert {"ok": True, "result": "sent to zoe"} == told
            assert "approval_token" not in json.dumps(wire.sent)

    asyncio.run(scenario())


@pytest.mark.parametrize(("said", "ok"), [("yes, two four 6 8", True), ("yes 1 1 1 1", False)])
def test_the_server_judges_a_spoken_pin(place: Place, said: str, ok: bool) -> None:
    async def scenario() -> None:
        async with talking(place, "pat", confirm_by="pin") as wire:
            wire.feed(*calls("r1", item("c1", "mail", {"to": "zoe"})))
            asked = await wire.answered("c1")
            assert "your PIN" in await read_out(wire)

            told = await confirmed(wire, asked["confirmation_id"], said)

            assert ok is told["ok"]
            assert ok or told["error"] == "approval_pin_wrong"
            assert "2468" not in json.dumps(wire.sent)

    asyncio.run(scenario())


@pytest.mark.parametrize("approve", [True, False])
def test_a_file_is_wiped_when_somebody_else_has_agreed(place: Place, approve: bool) -> None:
    """
    First the user is asked, as it destroys; then somebody else is; and both decisions are told.
    """
    place.file.write_text("precious")

    async def scenario() -> None:
        async with talking(place, "alice") as wire:
            wire.feed(*calls("r1", item("c1", "wipe", {"path": str(place.file)})))
            asked = await wire.answered("c1")
            await read_out(wire)
            told = await confirmed(wire, asked["confirmation_id"], "Yes, go ahead.")
            assert ("approval_required", True) == (told["error"], "Somebody else" in told["say"])
            assert "precious" == place.file.read_text()
            wire.feed(*says("r10", "Somebody else has to agree."))

            await asyncio.to_thread(decide, place, told["approval_id"], approve)

            later = await wire.answered("approved_1")
            assert approve is later["ok"]
            assert ("wiped" if approve else "precious") == place.file.read_text()
            assert approve or later["message"] == "Not today."

    asyncio.run(scenario())


def decide(place: Place, approval_id: str, approve: bool) -> None:
    with place.client("boss") as boss:
        if approve:
            boss.approvals.approve(approval_id)
        else:
            boss.approvals.deny(approval_id, "Not today.")
