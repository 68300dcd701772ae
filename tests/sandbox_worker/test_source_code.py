"""
Uploaded code is found, described and called; what is wrong with it is a sentence.
"""

from __future__ import annotations

import sys
import sysconfig
from typing import TYPE_CHECKING, Any

import pytest
from loading_bundles import write
from toolcell_worker import Context, ToolError, source_code
from toolcell_worker.source_code import Found, Source

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("clean_imports")

HELLO = '''
    from toolcell_worker import tool

    @tool
    def hello(name: str) -> str:
        """Greets."""
        return "Hello, " + name
'''
PLAIN = """
    def shout(word): return word.upper()
    shout.tool_definition = {"name": "shout", "description": "Shouts.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}}}
    def bare(word): return word * 2
"""


def described(folder: Path, files: dict[str, str], entry: str = "") -> tuple[set[str], list[str]]:
    """
    The entries that are found, and what is wrong.
    """
    write(folder, files)
    found = list(source_code.tools(Source(folder=str(folder), entry=entry)))
    entries = {one.entry for one in found if isinstance(one, Found)}
    return entries, [one[1] for one in found if not isinstance(one, Found)]


def called(folder: Path, files: dict[str, str], entry: str, arguments: dict[str, Any]) -> Any:
    write(folder, files)
    return source_code.call(Source(folder=str(folder), entry=entry), arguments, Context())


FOUND: dict[str, tuple[dict[str, str], str, set[str]]] = {
    "a file": ({"up_a.py": HELLO}, "", {"up_a:hello"}),
    "a package": (
        {"up_b/__init__.py": "", "up_b/inner.py": HELLO},
        "",
        {"up_b.inner:hello"},
    ),
    "a plain callable": ({"up_c.py": PLAIN}, "", {"up_c:shout"}),
    "one of several, by its entry": ({"up_d.py": HELLO + PLAIN}, "up_d:hello", {"up_d:hello"}),
    "dependencies beside it, which nobody imports": (
        {"up_e.py": HELLO, "up_dep.py": "import no_such_thing_at_all\n"},
        "",
        {"up_e:hello"},
    ),
    "what is shown again elsewhere, once": (
        {"up_f.py": HELLO, "up_g.py": "from up_f import hello as tool_definition\n"},
        "",
        {"up_f:hello"},
    ),
    "the entry points of a wheel, and nothing else": (
        {
            "up_h.py": HELLO,
            "up_i.py": PLAIN,
            "up_h-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: up_h\nVersion: 1\n",
            "up_h-1.dist-info/entry_points.txt": "[toolcell.tools]\nshout = up_i:shout\n",
        },
        "",
        {"up_i:shout"},
    ),
    "not what is for other programs": (
        {f"{name}.py": "raise SystemExit  # @tool\n" for name in source_code.FOREIGN}
        | {"up_j.py": HELLO},
        "",
        {"up_j:hello"},
    ),
}


@pytest.mark.parametrize(("files", "entry", "entries"), FOUND.values(), ids=FOUND.keys())
def test_tools_of_uploaded_code_are_found(
    tmp_path: Path, files: dict[str, str], entry: str, entries: set[str]
) -> None:
    assert (entries, []) == described(tmp_path, files, entry)


FAULTS: dict[str, tuple[dict[str, str], str, str]] = {
    "an exception": ({"up_k.py": "# @tool\nraise ValueError('no')\n"}, "", "ValueError: no"),
    "an end": ({"up_l.py": "# @tool\nraise SystemExit(3)\n"}, "", "SystemExit: 3"),
    "no such module": ({"up_m.py": HELLO}, "up_nothing:x", "No module named"),
    "no such name": ({"up_n.py": HELLO}, "up_n:x", "has no 'x' that can be called"),
    "no tool": ({"up_o.py": PLAIN}, "up_o:bare", "send its manifest along (--manifest)"),
    "a module of the library": (
        {"json.py": HELLO},
        "",
        "json is a module of the library or of the service; rename it",
    ),
    "a definition that is wrong": (
        {"up_p.py": "def f(): ...\nf.tool_definition = 7\n"},
        "",
        "dict",
    ),
}


@pytest.mark.parametrize(("files", "entry", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_what_is_wrong_is_a_sentence(
    tmp_path: Path, files: dict[str, str], entry: str, reason: str
) -> None:
    _, faults = described(tmp_path, files, entry)

    assert 1 == len(faults)
    assert reason in faults[0]


def test_each_kind_of_callable_can_be_called(tmp_path: Path) -> None:
    """
    One that neither declares anything has its manifest from the client.
    """
    files = {"up_q.py": HELLO + PLAIN}

    assert "Hello, Ada" == called(tmp_path, files, "up_q:hello", {"name": "Ada"})
    assert "ADA" == called(tmp_path, files, "up_q:shout", {"word": "Ada"})
    assert "AdaAda" == called(tmp_path, files, "up_q:bare", {"word": "Ada"})


def test_dependencies_in_the_archive_come_before_those_of_the_service(tmp_path: Path) -> None:
    """
    And after the library: code that was tested with a version gets that one.
    """
    source_code.open_folder(str(tmp_path))
    place = sys.path.index(str(tmp_path))
    library = sys.path.index(sysconfig.get_path("stdlib"))
    installed = sys.path.index(sysconfig.get_path("purelib"))

    assert library < place < installed


def test_nothing_that_is_for_the_start_of_an_interpreter_is_run(tmp_path: Path) -> None:
    """
    Neither `.pth` files nor sitecustomize.
    """
    marker = tmp_path / "ran"
    line = f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n"
    files = {"up_r.py": HELLO, "evil.pth": line, "sitecustomize.py": line, "usercustomize.py": line}
    described(tmp_path, files)
    called(tmp_path, files, "up_r:hello", {"name": "Ada"})

    assert not marker.exists()
    exec(line)
    assert marker.exists()


def test_code_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="upload it again"):
        source_code.call(Source(folder=str(tmp_path / "gone"), entry="a:b"), {}, Context())
