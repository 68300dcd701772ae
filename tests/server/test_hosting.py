"""
A bundle's zygote is kept alive: real zygotes that start, fail, die and come back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from processes import named
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import host_ids, probing
from toolcell_server.bundles.bundle import Bundle
from toolcell_server.hosting import Hosting
from toolcell_server.slots import Slots
from toolcell_server.zygote import Zygote, ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from toolcell_server.makes import Make

TOOLS = Path(__file__).parents[1] / "sandbox_worker" / "bundle"
SECONDS = 30.0


class Observed:
    """
    A hosting, and what it told.
    """

    def __init__(self, path: Path, python: str = "") -> None:
        ids = host_ids.spare_ids()
        instructions = {
            "bundle": "test",
            "path": str(path),
            "identity": {"first": ids[0], "count": ids[1]} if ids else None,
        }
        self.published: list[dict[str, Any]] = []
        self.restarts: list[str] = []
        self.restarted = asyncio.Event()
        self.serving = asyncio.Event()
        bundle = Bundle(name="test", instructions=instructions, python=python)
        self.hosting = Hosting(bundle, Slots(), self._publish, self._restarted)

    def _publish(self, name: str, catalogue: dict[str, Any], *_: object) -> tuple[int, ...]:
        assert name == "test"
        self.published.append(catalogue)
        if catalogue["tools"]:
            self.serving.set()
        return ()

    def _restarted(self, name: str) -> None:
        self.restarts.append(name)
        self.restarted.set()

    def tools(self) -> set[str]:
        return {tool["name"] for tool in self.published[-1]["tools"]}

    def broken(self) -> list[str]:
        return [one["reason"] for one in self.published[-1]["broken"]]


@contextlib.asynccontextmanager
async def hosted(path: Path = TOOLS, python: str = "") -> AsyncIterator[Observed]:
    observed = Observed(path, python)
    try:
        await observed.hosting.start()
        yield observed
    finally:
        await observed.hosting.aclose()


def within(scenario: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(SECONDS):
            await scenario

    asyncio.run(bounded())


def kill(zygote: Zygote) -> None:
    os.kill(zygote.process.pid, signal.SIGKILL)


def test_a_bundle_serves_once_it_is_started_and_its_walls_are_proved() -> None:
    """
    Nothing may be called before it is known how well it is enclosed.
    """

    async def scenario() -> None:
        async with hosted() as observed:
            zygote = await observed.hosting.zygote()

            assert not zygote.died.is_set()
            assert {"look_around", "run_code"} <= observed.tools()
            assert observed.hosting.isolation.level >= pb.ISOLATION_LEVEL_STRONG

    within(scenario())


def test_a_zygote_that_died_is_followed_by_another() -> None:
    """
    Whoever asks in between waits for it, and is not told of the dead one.
    """

    async def scenario() -> None:
        async with hosted() as observed:
            first = await observed.hosting.zygote()
            kill(first)
            await first.died.wait()
            others = await asyncio.gather(*(observed.hosting.zygote() for _ in range(20)))

            assert {others[0]} == set(others)
            assert first is not others[0]
            assert ["test"] == observed.restarts
            assert observed.published[0]["tools"] == observed.published[-1]["tools"]

    within(scenario())


def test_a_zygote_that_dies_again_and_again_is_started_again_and_again() -> None:
    """
    A bundle that crashes its zygote now and then is still a bundle.
    """

    async def scenario() -> None:
        async with hosted() as observed:
            seen = set()
            for _ in range(3):
                zygote = await observed.hosting.zygote()
                seen.add(zygote.process.pid)
                kill(zygote)
                await zygote.died.wait()

            assert 3 == len(seen)
            assert not (await observed.hosting.zygote()).died.is_set()

    within(scenario())


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        pytest.param("/nonexistent/python", "No such file", id="an interpreter that is not there"),
        pytest.param("/bin/false", "exit", id="a program that is no interpreter"),
    ],
)
def test_a_bundle_that_cannot_be_served_says_why_and_is_tried_again(
    python: str, reason: str
) -> None:
    """
    The service starts all the same, lists the bundle as broken, and refuses its calls at once.
    """

    async def scenario() -> None:
        async with hosted(python=python) as observed:
            assert reason in observed.broken()[0]
            with pytest.raises(ZygoteFailed, match=reason):
                await observed.hosting.zygote()
            await observed.restarted.wait()

    within(scenario())


def test_an_error_of_our_own_while_the_walls_are_proved_does_not_end_the_bundle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    No descriptor left, or a full /tmp, passes; a bundle that nobody starts again does not.
    """
    prove, failures = probing.prove, [OSError(24, "Too many open files")]

    async def prove_later(zygote: Zygote, slots: Slots, make: Make, refused: Any) -> Any:
        if failures:
            raise failures.pop()
        return await prove(zygote, slots, make, refused)

    monkeypatch.setattr(probing, "prove", prove_later)

    async def scenario() -> None:
        async with hosted() as observed:
            assert "Too many open files" in observed.broken()[0]
            await observed.serving.wait()
            assert not (await observed.hosting.zygote()).died.is_set()

    within(scenario())


def test_closing_ends_the_zygote_and_starts_no_other() -> None:
    """
    A service that ends leaves nothing behind.
    """

    async def scenario() -> None:
        async with hosted() as observed:
            zygote = await observed.hosting.zygote()

        assert zygote.process.returncode is not None
        assert [] == observed.restarts

    within(scenario())


def test_a_reload_that_is_given_up_leaves_no_zygote(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whoever asked for it hung up while the new one proved its walls.
    """

    async def scenario() -> None:
        async with hosted() as observed:
            first = await observed.hosting.zygote()
            proving = asyncio.Event()

            async def prove(*_: object) -> None:
                proving.set()
                await asyncio.Event().wait()

            monkeypatch.setattr(probing, "prove", prove)
            reloading = asyncio.ensure_future(observed.hosting.reload())
            await proving.wait()
            assert 2 == len(named(os.getpid(), "zygote"))
            reloading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reloading

            assert [first.process.pid] == named(os.getpid(), "zygote")
            assert first is await observed.hosting.zygote()

    within(scenario())
