"""
The file that is written ahead of the database: whole records in order, or none.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest
from restarting import kept
from toolcell_server.database import StoreFailed
from toolcell_server.idempotency import Scope
from toolcell_server.records.ahead import FILE, Ahead
from toolcell_server.records.entries import Entry
from toolcell_server.records.ledger import MOST_WAITING

if TYPE_CHECKING:
    from pathlib import Path


def entry(number: int, *, ended: int | None = None, request_id: str | None = "") -> Entry:
    return Entry(
        number=number,
        execution_id=f"id-{number}",
        principal="alice",
        tool="echo",
        asked="echo",
        request_id=f"request-{number}" if request_id == "" else request_id,
        fingerprint=b"print" if ended is None else None,
        repeatable=ended is None,
        interrupted=False,
        ended=ended,
        size=0 if ended is None else 100,
        summary=b"",
        events=os.urandom(100),
        answer=b"",
    )


def test_what_was_written_is_found_in_its_order(tmp_path: Path) -> None:
    written = [entry(1), entry(2), entry(1, ended=5)]
    ahead = Ahead(tmp_path)
    ahead.write(written[:2])
    ahead.write(written[2:])
    ahead.close()
    again = Ahead(tmp_path)

    assert written == list(again.found())
    assert [] == list(again.found())
    again.clear()
    again.close()
    assert b"" == (tmp_path / FILE).read_bytes()


def test_what_the_disk_does_not_take_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Its call was refused; nobody is to find that it began.
    """

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "no disk")

    ahead = Ahead(tmp_path, full=True)
    ahead.write([entry(1)])
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", fail)
        with pytest.raises(StoreFailed, match="no disk"):
            ahead.write([entry(2)])
    ahead.write([entry(3)])
    ahead.close()

    assert [1, 3] == [each.number for each in Ahead(tmp_path).found()]


@pytest.mark.parametrize("left", [1, 7, 8, 9, 60])
def test_what_is_not_whole_ends_what_was_written(tmp_path: Path, left: int) -> None:
    ahead = Ahead(tmp_path)
    ahead.write([entry(1)])
    whole = ahead._file.size
    ahead.write([entry(2)])
    ahead.close()
    os.truncate(tmp_path / FILE, whole + left)

    assert [1] == [each.number for each in Ahead(tmp_path).found()]


@pytest.mark.parametrize("rest", [b"\0" * 500, b"\xff" * 500])
def test_what_no_record_is_ends_what_was_written(tmp_path: Path, rest: bytes) -> None:
    """
    As a machine may leave it that has lost its power.
    """
    ahead = Ahead(tmp_path)
    ahead.write([entry(1)])
    ahead.close()
    with (tmp_path / FILE).open("ab") as file:
        file.write(rest)

    assert [1] == [each.number for each in Ahead(tmp_path).found()]


def test_after_a_torn_end_nothing_is_lost_again(tmp_path: Path) -> None:
    """
    What is written behind it would never be found.
    """
    (tmp_path / FILE).write_bytes(b"\0\0\1")
    with kept(tmp_path) as one:
        assert one.ledger.begin(entry(1))
    with kept(tmp_path) as one:
        assert [1] == [lost.number for lost in one.recovered]


def test_it_is_for_nobody_else_to_read(tmp_path: Path) -> None:
    (tmp_path / FILE).touch(0o644)
    Ahead(tmp_path).close()

    assert 0o600 == stat.S_IMODE((tmp_path / FILE).stat().st_mode)


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreFailed, match=FILE):
        Ahead(tmp_path)


def test_what_the_database_has_taken_over_may_be_found_once_more(tmp_path: Path) -> None:
    """
    A server that dies between the commit and the emptying of the file.
    """
    with kept(tmp_path) as one:
        one.ledger.begin(entry(1))
        one.ledger.end([entry(1, ended=5), entry(2, ended=6, request_id=None)])
        data = (tmp_path / FILE).read_bytes()
        before = one.rows()
        assert b"" == (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(data)
    with kept(tmp_path) as one:
        assert before == one.rows()
        assert (2, 200) == (one.ledger.count, one.ledger.size)
        assert b"print" == one.rows()[0].fingerprint


def test_an_id_that_is_free_again_is_not_in_the_way_of_what_is_found_once_more(
    tmp_path: Path,
) -> None:
    with kept(tmp_path) as one:
        one.ledger.begin(entry(1))
        one.ledger.end([entry(1, ended=5)])
        data = (tmp_path / FILE).read_bytes()
        one.ledger.remove(1)
        assert one.ledger.begin(entry(2, request_id="request-1"))
    with (tmp_path / FILE).open("ab") as file:
        file.write(data)
    with kept(tmp_path) as one:
        assert [2] == [row.number for row in one.rows()]


@pytest.mark.parametrize("taken_over", [False, True])
def test_an_id_is_known_wherever_it_is(tmp_path: Path, *, taken_over: bool) -> None:
    scope = Scope("alice", "echo", "request-1")
    with kept(tmp_path) as one:
        assert one.ledger.begin(entry(1))
        if taken_over:
            one.ledger.take_over()
        assert one.ledger.by_request(scope) is not None
        assert not one.ledger.begin(entry(2, request_id="request-1"))
        one.ledger.end([entry(1, ended=5)])
        one.ledger.remove(1)
        assert one.ledger.by_request(scope) is None
        assert one.ledger.begin(entry(3, request_id="request-1"))


def test_beyond_a_bound_nothing_is_written_that_the_database_does_not_take(tmp_path: Path) -> None:
    """
    It fails for so long that this file and memory would grow without end.
    """
    with kept(tmp_path) as one:
        one.database.execute("ALTER TABLE executions RENAME TO elsewhere")
        for number in range(MOST_WAITING):
            one.ledger.begin(entry(number))
        with pytest.raises(StoreFailed):
            one.ledger.begin(entry(MOST_WAITING))
        one.database.execute("ALTER TABLE elsewhere RENAME TO executions")

        assert MOST_WAITING == len(one.rows())
        assert one.ledger.begin(entry(MOST_WAITING))
