"""
Previews: what a tool would change is shown to whoever approves, and nothing else is put in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from approval_place import Place, required
from toolcell_client.errors import CallRefused
from toolcell_client.model_text import to_model_text

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("place"))
    try:
        yield place
    finally:
        place.server.stop()


def asked(place: Place, tool: str, name: str, **arguments: Any) -> tuple[dict[str, Any], str, str]:
    """
    The arguments of a call, its token, and the preview that an approver was shown.
    """
    arguments = {"path": str(place.folder / "files" / name), **arguments}
    with place.client("alice") as alice, place.client("boss") as boss:
        refused = required(alice, tool, arguments)
        assert not alice.approvals.get(refused.approval_id).preview  # it may hold what was read
        assert refused.approval_id in to_model_text(refused)
        preview = boss.approvals.get(refused.approval_id).preview
        boss.approvals.approve(refused.approval_id)
    return arguments, refused.token, preview


def test_what_is_approved_is_what_was_shown(place: Place) -> None:
    """
    The built-in tool, an existing file: shown as a difference, changed only afterwards.
    """
    file = place.folder / "files" / "list.txt"
    file.write_text("one\ntwo\nthree\n")

    arguments, token, preview = asked(place, "write_file", "list.txt", content="one\n2\nthree\n")

    assert [line for line in preview.split("\n") if line[:1] in "+-"][2:] == ["-two", "+2"]
    assert file.read_text() == "one\ntwo\nthree\n"
    with place.client("alice") as alice:
        result = alice.run("write_file", arguments, approval_token=token)
    assert result.ok
    assert file.read_text() == "one\n2\nthree\n"


def test_a_new_file_is_not_there_before_it_is_approved(place: Place) -> None:
    """
    And what is no text is told by its size and digest.
    """
    arguments, token, preview = asked(
        place, "write_file", "new.bin", content="AAE=", encoding="base64"
    )

    assert "does not exist" in preview
    assert "2 bytes, sha256" in preview
    assert not (place.folder / "files" / "new.bin").exists()
    with place.client("alice") as alice:
        alice.run("write_file", arguments, approval_token=token).raise_for_outcome()
    assert (place.folder / "files" / "new.bin").read_bytes() == b"\0\1"


def test_a_file_that_changed_since_is_not_replaced(place: Place) -> None:
    """
    The approver saw another one.
    """
    file = place.folder / "files" / "moving.txt"
    file.write_text("old\n")
    arguments, token, _ = asked(place, "write_file", "moving.txt", content="new\n")
    file.write_text("changed meanwhile\n")

    with place.client("alice") as alice:
        result = alice.run("write_file", arguments, approval_token=token)

    assert result.outcome.failed.exception == "PreviewDiffers"
    assert file.read_text() == "changed meanwhile\n"


def test_a_tool_that_stages_something_else_the_second_time_changes_nothing(place: Place) -> None:
    """
    Whether by chance or because it can tell a preview from the real run.
    """
    arguments, token, preview = asked(place, "dice", "dice")

    with place.client("alice") as alice:
        result = alice.run("dice", arguments, approval_token=token)

    assert "8 bytes" in preview
    assert result.outcome.failed.exception == "PreviewDiffers"
    assert not (place.folder / "files" / "dice").exists()


def test_nobody_is_asked_about_a_call_that_fails(place: Place) -> None:
    """
    And its caller learns nothing but that it did.
    """
    (place.folder / "files" / "there").write_text("secret")
    arguments = {"path": str(place.folder / "files" / "there"), "content": "", "mode": "create"}

    with place.client("alice") as alice:
        before = len(list(alice.approvals.list()))
        with pytest.raises(CallRefused) as caught:
            alice.run("write_file", arguments)
        assert (caught.value.reason, caught.value.metadata["outcome"]) == (
            "PREVIEW_FAILED",
            "failed",
        )
        assert "exists" not in str(caught.value)
        assert len(list(alice.approvals.list())) == before
