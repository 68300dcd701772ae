"""
`toolcell tools search`, `export` and `import`, as scripts use them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from toolcell_client.cli.porting import MOST_AT_ONCE, _batches
from toolcell_client.testing import completed

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import Toolcell
    from toolcell_client.testing import FakeServer


def test_a_search_is_json_when_piped(server: FakeServer, toolcell: Toolcell) -> None:
    server.tool("read_file", completed(), description="Reads a file.")
    server.tool("send_mail", completed(), description="Sends a mail.")

    ended = toolcell("tools", "search", "send", "the", "file", "--most", "1")

    [found] = json.loads(ended.stdout)
    assert (0, {"name", "score", "description"} <= found.keys()) == (ended.returncode, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no export, which is JSON"),
        ("[]", "is no export of tools"),
        ('{"tools": [{}]}', "is no export of tools"),
        ('{"toolcell_tools": 2, "tools": [{}]}', "is no export of tools"),
        ('{"toolcell_tools": 1, "tools": []}', "holds no tools"),
        (None, "cannot read"),
    ],
)
def test_a_file_that_is_no_export_is_a_mistake_of_the_user(
    toolcell: Toolcell, tmp_path: Path, text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / "tools.json").write_text(text)

    ended = toolcell("tools", "import", str(tmp_path / "tools.json"))

    assert (2, True) == (ended.returncode, said in ended.stderr.decode())


def test_what_is_more_than_one_request_takes_is_sent_in_several() -> None:
    many = [{"names": [f"t{index}@1"]} for index in range(2 * MOST_AT_ONCE + 1)]
    large = [{"text": "x" * 3 * 2**20} for _ in range(4)]

    assert [MOST_AT_ONCE, MOST_AT_ONCE, 1] == [len(batch) for batch in _batches(many)]
    assert [2, 2] == [len(batch) for batch in _batches(large)]
