"""
The log of a running server: files, checkpoints, the one writer, and what happens after a crash.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import pytest
from auditing_logs import complaints, crash, during, keys, log, records, rewritten, write
from toolcell_server.audit import checkpoints, lines, reading, synchronizing
from toolcell_server.audit.chain import Chain
from toolcell_server.audit.folder import AuditUnusable

if TYPE_CHECKING:
    from pathlib import Path

SMALL = 64 * 1024


def why(folder: Path, **settings: object) -> str:
    """
    Why a log does not start.
    """
    with pytest.raises(AuditUnusable) as caught:
        during(log(folder, **settings))
    return str(caught.value)


def test_files_and_folder_are_their_owners_alone(tmp_path: Path) -> None:
    write(tmp_path / "log", 1)

    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in (tmp_path / "log").iterdir()} == {0o600}


def test_a_folder_that_others_may_write_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log").chmod(0o777)

    assert "chmod go-w" in why(tmp_path / "log")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder away")
def test_a_folder_of_somebody_else_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir(0o700)
    os.chown(tmp_path / "log", 12345, -1)

    assert "belongs to another user" in why(tmp_path / "log")


def test_there_is_one_writer(tmp_path: Path) -> None:
    """
    A second server on the same folder does not start; after the first has ended, it does.
    """

    def second() -> None:
        with pytest.raises(AuditUnusable, match="another server"):
            log(tmp_path).start()

    during(log(tmp_path), second)
    during(log(tmp_path))
    assert complaints(tmp_path) == []


def test_a_full_file_is_followed_by_the_next(tmp_path: Path) -> None:
    """
    The first record of each names it, and follows the last of the one before.
    """
    write(tmp_path, 900, rotate_bytes=SMALL)
    opened = [one["data"]["file"] for one in records(tmp_path, "audit.opened")]

    assert opened[:3] == [f"audit-0000000{number}.jsonl" for number in (1, 2, 3)]
    assert [one["data"]["why"] for one in records(tmp_path, "audit.opened")][:2] == [
        "started",
        "rotated",
    ]
    assert complaints(tmp_path) == []
    numbers = [int(one["seq"]) for one in records(tmp_path)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_file_ends_with_a_checkpoint(tmp_path: Path) -> None:
    """
    So that a whole file is vouched for.
    """
    signer = keys(tmp_path)
    write(tmp_path / "log", 900, rotate_bytes=SMALL, key=signer)
    ends = [
        each.read_bytes().splitlines()[-1] for each in sorted((tmp_path / "log").glob("*.jsonl"))
    ]

    assert all(b'"toolcell.audit.checkpoint"' in end for end in ends)
    assert complaints(tmp_path / "log", signer) == []


def test_an_old_file_is_deleted_and_that_is_recorded(tmp_path: Path) -> None:
    """
    A file that is gone is accepted if a record says so, and only then.
    """
    signer, place = keys(tmp_path), tmp_path / "log"
    write(place, 1500, rotate_bytes=SMALL, keep_files=2, key=signer)
    left = sorted(each.name for each in place.glob("*.jsonl"))

    assert len(left) == 2
    assert left[0] > "audit-00000002.jsonl"
    assert complaints(place) == complaints(place, signer) == []
    (place / left[0]).unlink()
    assert "no record says that they were deleted" in " ".join(complaints(place))


def test_a_deletion_that_nobody_signed_does_not_count(tmp_path: Path) -> None:
    """
    Who removes the first file and appends a record of its deletion is found by the key.
    """
    signer, place = keys(tmp_path), tmp_path / "log"
    write(place, 900, rotate_bytes=SMALL, key=signer)
    first, *_, last = sorted(place.glob("*.jsonl"))
    end, tail = (reading.last_line(file) for file in (first, last))
    deleted = {"file": first.name, "last": lines.read(end).sequence, "head": lines.read(end).hash}
    before = lines.read(tail)
    chain = Chain(before.source, before.sequence, before.hash)
    with last.open("ab") as file:
        file.write(chain.next("audit.deleted", deleted, time.time_ns()))
    first.unlink()

    assert complaints(place) == []
    assert "no record says that they were deleted" in " ".join(complaints(place, signer))


def test_files_are_deleted_by_their_age(tmp_path: Path) -> None:
    write(tmp_path, 900, rotate_bytes=SMALL)
    old = time.time() - 10 * 86_400
    os.utime(tmp_path / "audit-00000001.jsonl", (old, old))

    write(tmp_path, 300, rotate_bytes=SMALL, keep_days=3)

    assert not (tmp_path / "audit-00000001.jsonl").exists()
    assert (tmp_path / "audit-00000002.jsonl").exists()
    assert complaints(tmp_path) == []


def test_after_a_clean_end_the_log_goes_on(tmp_path: Path) -> None:
    write(tmp_path, 3)
    write(tmp_path, 3)
    resumed = records(tmp_path, "audit.opened")[1]["data"]

    assert (resumed["why"], resumed["crashed"]) == ("resumed", False)
    assert complaints(tmp_path) == []


def test_after_a_crash_the_log_goes_on_and_says_so(tmp_path: Path) -> None:
    crash(tmp_path)
    write(tmp_path, 3)

    assert records(tmp_path, "audit.opened")[1]["data"]["crashed"] is True
    assert complaints(tmp_path) == []


@pytest.mark.parametrize("tail", [b'{"specversion":"1.0","id":"00', b"\0" * 4096, b"x"])
def test_a_torn_tail_is_put_aside_and_recorded(tmp_path: Path, tail: bytes) -> None:
    """
    What a host that lost its power leaves.  Nothing is thrown away.
    """
    crash(tmp_path)
    with (tmp_path / "audit-00000001.jsonl").open("ab") as file:
        file.write(tail)
    assert "torn" in complaints(tmp_path)[0]

    write(tmp_path, 3)

    (aside,) = tmp_path.glob("*.torn")
    assert aside.read_bytes() == tail
    assert records(tmp_path, "audit.opened")[1]["data"]["torn_bytes"] == len(tail)
    assert complaints(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b'{"specversion"'])
def test_a_file_that_was_begun_and_no_more_is_no_damage(tmp_path: Path, content: bytes) -> None:
    """
    A crash between making it and its first whole record: the log goes on in the one before.
    """
    write(tmp_path, 3)
    (tmp_path / "audit-00000002.jsonl").write_bytes(content)

    write(tmp_path, 3)

    assert complaints(tmp_path) == []
    assert len({one["source"] for one in records(tmp_path)}) == 1
    assert [each.read_bytes() for each in tmp_path.glob("*.torn")] == [content] * bool(content)


def test_a_checkpoint_that_waits_for_the_disk_is_not_forgotten(tmp_path: Path) -> None:
    """
    Records that follow are written before it is put in its place.
    """
    copy = tmp_path / "copy"
    one = log(tmp_path / "log", checkpoint_file=str(copy), checkpoint_records=5)

    async def scenario() -> None:
        one.start()
        for number in range(6):
            one.append("test.happened", {"number": number})
            one.flush()
        await one._writing.synchronized()
        assert checkpoints.read(copy.read_bytes()).count == 7
        await one.aclose()

    asyncio.run(scenario())


def test_a_log_that_was_changed_is_not_continued(tmp_path: Path) -> None:
    """
    The server does not start, and says where.
    """
    crash(tmp_path)
    path = tmp_path / "audit-00000001.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"number":2', b'"number":9'))

    said = why(tmp_path)

    assert "audit-00000001.jsonl:5: record 5: was changed" in said
    assert "audit.on_broken" in said


def test_a_new_log_is_begun_if_the_operator_says_so(tmp_path: Path) -> None:
    """
    In a file of its own, which says why; the broken one stays as it is, and red, and so does its
    last checkpoint.
    """
    copy = tmp_path / "copy"
    crash(tmp_path, checkpoint_file=str(copy))
    checkpoint = copy.read_bytes()
    path = tmp_path / "audit-00000001.jsonl"
    broken = path.read_bytes().replace(b'"number":2', b'"number":9')
    path.write_bytes(broken)

    write(tmp_path, 3, on_broken="new_log", checkpoint_file=str(copy))

    assert path.read_bytes() == broken
    assert [each.read_bytes() for each in tmp_path.glob("copy.*")] == [checkpoint]
    opened = records(tmp_path, "audit.opened")[1]["data"]
    assert opened["file"] == "audit-00000002.jsonl"
    assert "record 5: was changed" in opened["unverified"]
    assert ["was changed", "a new log begins here"] == [
        word
        for said in complaints(tmp_path)
        for word in ("was changed", "a new log begins here")
        if word in said
    ]


def test_a_log_that_was_rewritten_under_our_key_is_not_continued(tmp_path: Path) -> None:
    """
    Or the next checkpoint would vouch for it.
    """
    signer = keys(tmp_path)
    write(tmp_path / "log", 9, key=signer)
    rewritten(tmp_path / "log", lambda all_: [{**one, "subject": "x"} for one in all_])

    assert "has a signature that is wrong" in why(tmp_path / "log", key=signer)


def test_a_new_key_goes_on_with_the_log_of_the_old_one(tmp_path: Path) -> None:
    """
    Verified with both.
    """
    old, new = keys(tmp_path, "old"), keys(tmp_path, "new")
    write(tmp_path / "log", 3)
    write(tmp_path / "other", 3, key=old)
    write(tmp_path / "log", 3, key=new)
    write(tmp_path / "other", 3, key=new)

    assert complaints(tmp_path / "other", old, new) == []
    assert "by a key that was not given" in " ".join(complaints(tmp_path / "other", new))
    assert "is not signed" in " ".join(complaints(tmp_path / "log", new))


def test_an_old_folder_is_not_continued(tmp_path: Path) -> None:
    """
    The copy of the checkpoint knows more records than the folder has.
    """
    copy = tmp_path / "copy"
    write(tmp_path / "log", 3, checkpoint_file=str(copy))
    old = (tmp_path / "log" / "audit-00000001.jsonl").read_bytes()
    write(tmp_path / "log", 3, checkpoint_file=str(copy))
    (tmp_path / "log" / "audit-00000001.jsonl").write_bytes(old)

    assert "put back as it was before" in why(tmp_path / "log", checkpoint_file=str(copy))


def test_a_folder_that_was_emptied_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    write(tmp_path / "log", 3, checkpoint_file=str(copy))
    (tmp_path / "log" / "audit-00000001.jsonl").unlink()

    assert "cut short" in why(tmp_path / "log", checkpoint_file=str(copy))


def test_the_copy_is_the_latest_checkpoint(tmp_path: Path) -> None:
    signer = keys(tmp_path)
    write(tmp_path / "log", 30, key=signer, checkpoint_file=str(tmp_path / "copy"))
    copy = checkpoints.read((tmp_path / "copy").read_bytes())

    assert records(tmp_path / "log")[-1]["data"]["checkpoint"] == copy.to_json()
    assert copy.fault([signer.public]) == ""


def test_a_checkpoint_is_made_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Few records are signed, too, and the copy is replaced.
    """
    copy = tmp_path / "copy"
    one = log(
        tmp_path / "log", checkpoint_seconds=0.1, fsync_seconds=0.1, checkpoint_file=str(copy)
    )
    put = synchronizing.put

    async def scenario() -> int:
        loop, replaced = asyncio.get_running_loop(), asyncio.Event()

        def told(place: Path, checkpoint: bytes) -> None:
            put(place, checkpoint)
            if checkpoints.read(checkpoint).count == 3:
                loop.call_soon_threadsafe(replaced.set)

        one.start()
        monkeypatch.setattr(synchronizing, "put", told)
        one.append("test.happened", {})
        async with asyncio.timeout(10):
            await replaced.wait()
        made = len(records(tmp_path / "log", "audit.checkpoint"))
        assert checkpoints.read(copy.read_bytes()).count == 3
        await one.aclose()
        return made

    assert asyncio.run(scenario()) == 2


def test_a_turn_of_the_loop_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whatever number of records it makes.
    """
    one = log(tmp_path)
    writes: list[bytes] = []

    async def scenario() -> None:
        one.start()
        real = one._writing.files.write

        def told(batch: bytes) -> None:
            writes.append(batch)
            real(batch)

        monkeypatch.setattr(one._writing.files, "write", told)
        for number in range(10):
            one.append("test.happened", {"number": number})
        for _ in range(3):
            await asyncio.sleep(0)
        await one.aclose()

    asyncio.run(scenario())

    assert [10, 1] == [batch.count(b"\n") for batch in writes]


def test_a_record_that_cannot_be_made_does_not_cost_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = log(tmp_path)

    def act() -> None:
        one.later(lambda: one.append("test.first", {}))
        one.later(lambda: 1 / 0)  # type: ignore[arg-type]
        one.later(lambda: one.append("test.second", {}))

    during(one, act)

    assert len(records(tmp_path, "test.first") + records(tmp_path, "test.second")) == 2
    assert "could not be made" in caplog.text
