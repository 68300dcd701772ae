"""
Every way to change a log that we could think of, and each found, in words that say what was done.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from auditing_logs import complaints, crash, keys, records, rewritten, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_server.audit.signing import Signer

FILE = "audit-00000001.jsonl"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """
    A log of 24 records (opened, checkpoint, 20 of them, checkpoint at the end) in one file.
    """
    write(tmp_path / "log", 20, checkpoint_file=str(tmp_path / "copy"))
    return tmp_path / "log"


def lines(place: Path, file: str = FILE) -> list[bytes]:
    return (place / file).read_bytes().splitlines(keepends=True)


def put(place: Path, found: list[bytes], file: str = FILE) -> None:
    (place / file).write_bytes(b"".join(found))


def test_a_log_that_nobody_touched_is_whole(place: Path, tmp_path: Path) -> None:
    """
    The control of all tests below.
    """
    assert complaints(place, checkpoint=tmp_path / "copy") == []
    assert len(records(place)) == 23


def test_a_byte_that_was_changed_is_found(place: Path) -> None:
    found = lines(place)
    found[9] = found[9].replace(b'"number":7', b'"number":8')
    put(place, found)

    assert complaints(place) == [
        f"{FILE}:10: record 10: was changed: its bytes do not give its hash"
    ]


def test_a_record_that_was_removed_is_found(place: Path) -> None:
    found = lines(place)
    put(place, found[:9] + found[10:])

    assert complaints(place)[0] == f"{FILE}:10: record 11: records 10 to 10 are missing before it"


def test_two_records_that_changed_places_are_found(place: Path) -> None:
    found = lines(place)
    found[9], found[10] = found[10], found[9]
    put(place, found)

    assert f"{FILE}:11: record 10: is out of order: it comes after record 11" in complaints(place)


def test_a_record_that_comes_twice_is_found(place: Path) -> None:
    found = lines(place)
    put(place, [*found[:10], found[9], *found[10:]])

    assert complaints(place)[0] == (
        f"{FILE}:11: record 10: is out of order: it comes after record 10"
    )


def test_half_a_line_at_the_end_is_found(place: Path) -> None:
    (place / FILE).write_bytes((place / FILE).read_bytes()[:-10])

    assert "the last line is torn" in complaints(place)[0]


def test_a_log_that_was_cut_at_a_whole_record_is_found_by_the_copy(
    place: Path, tmp_path: Path
) -> None:
    put(place, lines(place)[:12])

    assert complaints(place) == []  # what is left is a log
    assert (
        "ends here, and its checkpoint knows 22 records: it was cut short"
        in (complaints(place, checkpoint=tmp_path / "copy")[0])
    )


def test_a_log_that_is_gone_is_found_by_the_copy(place: Path, tmp_path: Path) -> None:
    (place / FILE).unlink()
    told = complaints(place, checkpoint=tmp_path / "copy")[0]

    assert told.startswith("the log ends here")  # there is no file to name
    assert "was cut short" in told


def test_an_old_copy_of_the_folder_is_found_by_the_copy(place: Path, tmp_path: Path) -> None:
    """
    Whole, signed by whom you like, and of last week.
    """
    shutil.copytree(place, tmp_path / "old")
    write(place, 5, checkpoint_file=str(tmp_path / "copy"))
    assert complaints(place, checkpoint=tmp_path / "copy") == []

    assert (
        "put back as it was before"
        in (complaints(tmp_path / "old", checkpoint=tmp_path / "copy")[0])
    )


def test_another_log_in_its_place_is_found_by_the_copy(place: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", 40)

    assert (
        "this one was replaced" in (complaints(tmp_path / "other", checkpoint=tmp_path / "copy")[0])
    )


def test_a_splice_of_two_logs_is_found(place: Path, tmp_path: Path) -> None:
    """
    Numbers fit; neither the name of the log nor the hash does.
    """
    write(tmp_path / "other", 20)
    put(place, lines(place)[:10] + lines(tmp_path / "other")[10:])

    assert complaints(place)[0].startswith(f"{FILE}:11: record 11: belongs to another log")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_file_that_is_missing_is_found(tmp_path: Path, number: int) -> None:
    place = tmp_path / "log"
    write(place, 1500, rotate_bytes=64 * 1024, checkpoint_file=str(tmp_path / "copy"))
    files = sorted(each.name for each in place.glob("*.jsonl"))
    assert complaints(place, checkpoint=tmp_path / "copy") == []
    assert len(files) > 3
    (place / f"audit-0000000{number}.jsonl").unlink()

    said = " ".join(complaints(place))
    wanted = (
        "no record says that they were deleted" if number == 1 else f"0{number}.jsonl: the file"
    )
    assert wanted in said


def test_files_that_changed_names_are_found(tmp_path: Path) -> None:
    place = tmp_path / "log"
    write(place, 900, rotate_bytes=64 * 1024)
    first, second = place / FILE, place / "audit-00000002.jsonl"
    first.rename(tmp_path / "aside")
    second.rename(first)
    (tmp_path / "aside").rename(second)

    assert "is not the first of a file of this name" in " ".join(complaints(place))


def changed(envelopes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    envelopes[9]["data"]["text"] = "innocent"
    return envelopes


class TestRewritten:
    """
    The whole file was written anew, with hashes that fit.
    """

    @pytest.fixture
    def signer(self, tmp_path: Path) -> Signer:
        return keys(tmp_path)

    @pytest.fixture
    def place(self, tmp_path: Path, signer: Signer) -> Path:
        copy = str(tmp_path / "copy")
        write(tmp_path / "log", 20, key=signer, checkpoint_records=5, checkpoint_file=copy)
        return tmp_path / "log"

    def test_the_true_one_is_confirmed(self, place: Path, tmp_path: Path, signer: Signer) -> None:
        assert complaints(place, signer, checkpoint=tmp_path / "copy") == []

    def test_the_chain_alone_cannot_tell(self, place: Path) -> None:
        """
        Why there are keys.
        """
        rewritten(place, changed)

        assert complaints(place) == []

    def test_the_signatures_no_longer_fit(self, place: Path, signer: Signer) -> None:
        rewritten(place, changed)

        assert "the checkpoint has a signature that is wrong" in complaints(place, signer)[0]

    def test_another_key_is_not_ours(self, place: Path, tmp_path: Path, signer: Signer) -> None:
        rewritten(place, changed, sign=keys(tmp_path, "foreign"))

        assert "is signed by a key that was not given" in complaints(place, signer)[0]

    def test_a_log_without_checkpoints_was_not_ours(self, place: Path, signer: Signer) -> None:
        rewritten(
            place,
            lambda all_: [one for one in changed(all_) if "checkpoint" not in one["type"]],
        )

        assert "no checkpoint is signed by a given key" in complaints(place, signer)[-1]

    def test_a_tail_that_nobody_signed_does_not_grow(self, place: Path, signer: Signer) -> None:
        """
        Who keeps the first checkpoint and writes the rest himself is found after a few records.
        """

        def without_later(all_: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return all_[:2] + [one for one in all_[2:] if "checkpoint" not in one["type"]]

        rewritten(place, without_later, sign=signer)

        assert "no checkpoint for 7 records before it" in complaints(place, signer)[0]

    def test_the_copy_finds_it_without_a_key(self, place: Path, tmp_path: Path) -> None:
        rewritten(place, changed)

        assert "it was written anew" in complaints(place, checkpoint=tmp_path / "copy")[0]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_single_change_of_the_bytes_is_found(place: Path, data: st.DataObject) -> None:
    """
    One byte replaced, removed or added, anywhere; or a tail cut off within a record.
    """
    (whole,) = (b"".join(lines(place)),)
    try:
        at = data.draw(st.integers(0, len(whole) - 1))
        byte = bytes([data.draw(st.integers(0, 255).filter(lambda b: b != whole[at]))])
        mutated = data.draw(
            st.sampled_from(
                [
                    whole[:at] + byte + whole[at + 1 :],
                    whole[:at] + whole[at + 1 :],
                    whole[:at] + byte + whole[at:],
                ]
            )
        )
        (place / FILE).write_bytes(mutated)

        assert complaints(place) != []
    finally:
        (place / FILE).write_bytes(whole)


def test_a_server_that_was_killed_leaves_a_log_that_is_whole(tmp_path: Path) -> None:
    crash(tmp_path / "log")

    assert complaints(tmp_path / "log") == []
