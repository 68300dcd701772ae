"""
A disk that is full, and one that fails: what is kept, what is said, and that it mends.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from auditing_logs import complaints, full_at, log, records
from toolcell_server.audit import synchronizing, writing
from toolcell_server.audit.folder import AuditUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_server.audit.log import AuditLog


def fill(one: AuditLog, records: int = 20) -> None:
    for number in range(records):
        one.append("test.happened", {"number": number, "text": "x" * 100})


def size(folder: Path) -> int:
    return (folder / "audit-00000001.jsonl").stat().st_size


def test_what_a_full_disk_did_not_take_is_written_later(tmp_path: Path) -> None:
    """
    The half of it that it took is cut off; nothing is lost, and a record tells.
    """
    one = log(tmp_path)

    async def scenario() -> None:
        one.start()
        before = size(tmp_path)
        with full_at(before + 2500):
            fill(one)
            one.flush()
            assert one.failing == "write: File too large"
            assert size(tmp_path) == before
            assert await one.durable() is False
        assert complaints(tmp_path) == []  # whole, and behind
        one.flush()
        assert one.failing == ""
        await one.aclose()

    asyncio.run(scenario())

    assert len(records(tmp_path, "test.happened")) == 20
    (failed,) = records(tmp_path, "audit.failed")
    assert failed["data"] == {"faults": ["write: File too large"], "dropped_records": 0}
    assert complaints(tmp_path) == []


def test_it_is_tried_again_without_being_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "RETRY_SECONDS", 0.02)
    one = log(tmp_path)

    async def scenario() -> None:
        tried = asyncio.Event()

        def again() -> None:
            one.flush()
            tried.set()

        monkeypatch.setattr(one._writing, "_again", again)
        one.start()
        with full_at(size(tmp_path)):
            fill(one)
            one.flush()
        assert one.failing
        async with asyncio.timeout(10):
            await tried.wait()
        assert one.failing == ""
        await one.aclose()

    asyncio.run(scenario())
    assert complaints(tmp_path) == []


def test_what_does_not_fit_into_memory_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The chain has no hole, and says how many records it lacks.
    """
    monkeypatch.setattr(writing, "MAXIMUM_BUFFERED", 2000)
    one = log(tmp_path)

    async def scenario() -> None:
        one.start()
        with full_at(size(tmp_path)):
            fill(one, 20)
            one.flush()
            fill(one, 20)
        one.flush()
        await one.aclose()

    asyncio.run(scenario())

    (failed,) = records(tmp_path, "audit.failed")
    kept = len(records(tmp_path, "test.happened"))
    assert 0 < kept < 40
    assert failed["data"]["dropped_records"] == 40 - kept
    assert complaints(tmp_path) == []


def test_a_log_that_cannot_be_begun_says_why(tmp_path: Path) -> None:
    one = log(tmp_path)

    async def scenario() -> None:
        with full_at(10):
            one.start()

    with pytest.raises(AuditUnusable, match="File too large"):
        asyncio.run(scenario())


def test_a_sync_that_fails_is_a_fault_until_one_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With `fsync = "always"` nothing counts as written before.
    """
    one = log(tmp_path, fsync="always")

    def fails(descriptor: int) -> None:
        real(descriptor)
        raise OSError(5, "Input/output error")

    real = synchronizing._synchronize

    async def scenario() -> None:
        one.start()
        one.append("test.happened", {})
        with monkeypatch.context() as patched:
            patched.setattr(synchronizing, "_synchronize", fails)
            assert await one.durable() is False
        assert one.failing == "sync: Input/output error"
        assert await one._writing.synchronized() is True
        assert one.failing == ""
        assert await one.durable() is True
        await one.aclose()

    asyncio.run(scenario())
    assert complaints(tmp_path) == []
    assert len(records(tmp_path, "audit.failed")) == 1


def test_a_checkpoint_that_cannot_be_put_in_its_place_is_a_fault(tmp_path: Path) -> None:
    """
    Whoever wants it there wants it there always.
    """
    place = tmp_path / "elsewhere"
    place.mkdir()
    one = log(tmp_path / "log", checkpoint_file=str(place / "copy"), checkpoint_records=1)

    async def scenario() -> None:
        one.start()
        (place / "copy").unlink()
        place.rmdir()
        one.append("test.happened", {})
        one.flush()
        await one._writing.synchronized()
        assert one.failing.startswith("checkpoint_file: ")
        place.mkdir()
        await one._writing.synchronized()
        assert one.failing == ""
        await one.aclose()

    asyncio.run(scenario())
    assert complaints(tmp_path / "log", checkpoint=place / "copy") == []


def test_a_full_disk_is_not_tried_at_each_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whoever goes on without the log must not pay for it with each call.
    """
    one = log(tmp_path)
    tries: list[int] = []

    async def scenario() -> None:
        one.start()
        real = one._writing.files.write

        def counted(batch: bytes) -> None:
            tries.append(len(batch))
            real(batch)

        monkeypatch.setattr(one._writing.files, "write", counted)
        with full_at(size(tmp_path)):
            for _ in range(20):
                one.append("test.happened", {})
                for _ in range(3):
                    await asyncio.sleep(0)
        assert len(tries) == 1
        await one.aclose()

    asyncio.run(scenario())
    assert len(records(tmp_path, "test.happened")) == 20
    assert complaints(tmp_path) == []


def test_without_a_next_file_the_old_one_grows(tmp_path: Path) -> None:
    """
    That is said, and no reason to refuse calls.
    """
    one = log(tmp_path, rotate_bytes=64 * 1024)

    async def scenario() -> bool:
        one.start()
        (tmp_path / "audit-00000002.jsonl").mkdir()  # in the way
        fill(one, 300)
        kept = await one.durable()
        (tmp_path / "audit-00000002.jsonl").rmdir()
        await one.aclose()
        return kept

    assert asyncio.run(scenario()) is True
    assert size(tmp_path) > 64 * 1024
    assert complaints(tmp_path) == []
    assert one._metrics.failures.labels("rotate")._value.get() >= 1


def test_metrics_say_what_the_log_does(tmp_path: Path) -> None:
    """
    Records, bytes, failures, and when the last checkpoint was.
    """
    one = log(tmp_path)

    async def scenario() -> None:
        one.start()
        with full_at(size(tmp_path)):
            fill(one)
            one.flush()
        assert one._metrics.failing._value.get() == 1
        one.flush()
        await one.aclose()

    asyncio.run(scenario())
    metrics = one._metrics

    assert metrics.records._value.get() == len(records(tmp_path))
    assert metrics.bytes._value.get() == size(tmp_path)
    assert metrics.failures.labels("write")._value.get() == 1
    assert metrics.failing._value.get() == 0
    assert time.time() - metrics.last_checkpoint._value.get() < 60
