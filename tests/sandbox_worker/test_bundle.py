from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from loading_bundles import bundle
from toolcell_worker import Context, modules
from toolcell_worker.bundle import BundleSpec, load

if TYPE_CHECKING:
    from pathlib import Path

GREET = '''
from toolcell_worker import tool

@tool
def greet(name: str) -> str:
    """Greets."""
    return f"Hello, {name}"
'''


pytestmark = pytest.mark.usefixtures("clean_imports")


def test_the_tools_of_a_folder_are_loaded_and_can_be_called(tmp_path: Path) -> None:
    """
    A folder of files is how people begin.
    """
    catalogue = bundle(tmp_path, {"greet.py": GREET})

    assert list(catalogue.tools) == [("greet", "1")]
    assert catalogue.broken == []
    assert catalogue.tools["greet", "1"].call({"name": "Ada"}, Context()) == "Hello, Ada"


def test_the_catalogue_describes_itself_as_the_server_reads_it(tmp_path: Path) -> None:
    """
    It is sent as JSON and read by the registry.
    """
    described = bundle(tmp_path, {"greet.py": GREET, "bad.py": "1 +"}).describe()

    assert [tool["name"] for tool in described["tools"]] == ["greet"]
    assert described["files"] == ["greet.py"]
    assert [set(entry) for entry in described["broken"]] == [{"name", "file", "reason"}]


BROKEN = {
    "a syntax error": ("x = 1\ndef f(:\n", "bad.py, line 2: invalid syntax"),
    "a module that is not installed": (
        "import sys\nimport no_such_module_1\n",
        "bad.py, line 2: No module named 'no_such_module_1'; install it in the bundle",
    ),
    "a name that a module does not have": (
        "from os import nothing_like_this\n",
        "bad.py, line 1: cannot import name 'nothing_like_this'",
    ),
    "an import relative to a folder": (
        "from ._shared import x\n",
        "bad.py, line 1: No module named 'toolcell_bundles'; files of a folder are no package",
    ),
    "an exception": (
        "\n\nraise ValueError('set the key first')\n",
        "bad.py, line 3: ValueError: set the key first",
    ),
    "an exception from a call": (
        "def check():\n    return 1 / 0\ncheck()\n",
        "bad.py, line 2: ZeroDivisionError: division by zero",
    ),
    "sys.exit": (
        "import sys\nsys.exit(3)\n",
        "bad.py, line 2: it calls sys.exit(3) while it is imported",
    ),
    "an interrupt": ("raise KeyboardInterrupt\n", "bad.py, line 1: KeyboardInterrupt"),
    "a parameter without annotation": (
        "from toolcell_worker import tool\n@tool\ndef f(x):\n    'Does.'\n",
        "bad.py, line 2: f(): parameter 'x' has no annotation",
    ),
    "bytes that are no text": ("x = '\x00'\n", "bad.py"),
}


@pytest.mark.parametrize(("code", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_does_not_load_is_listed_and_the_others_load(
    tmp_path: Path, code: str, reason: str
) -> None:
    """
    One mistake must not take the service down, and its author must find it by the reason alone.
    """
    catalogue = bundle(tmp_path, {"bad.py": code, "greet.py": GREET})

    assert list(catalogue.tools) == [("greet", "1")]
    (entry,) = catalogue.broken
    assert entry["file"] == "bad.py"
    assert entry["reason"].startswith(reason)
    assert "\n" not in entry["reason"]


def test_a_broken_tool_is_listed_under_its_own_name(tmp_path: Path) -> None:
    """
    Callers look for the tool, not for the file.
    """
    code = "from toolcell_worker import tool\n@tool(name='fetch')\ndef f(x):\n    'Does.'\n"

    assert [e["name"] for e in bundle(tmp_path, {"web.py": code}).broken] == ["fetch"]


def test_a_broken_tool_says_that_the_rest_of_its_file_is_not_loaded(tmp_path: Path) -> None:
    """
    The good tools beside it are listed nowhere: their author would look for them elsewhere.
    """
    catalogue = bundle(tmp_path, {"web.py": GREET + "\n@tool\ndef f(x):\n    'Does.'\n"})

    assert catalogue.tools == {}
    (entry,) = catalogue.broken
    assert entry["name"] == "f"
    assert entry["reason"].endswith("; nothing else of web.py is loaded")


def test_a_file_that_does_not_end_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The zygote must come up without it; `except Exception` in the file must not save it.
    """
    monkeypatch.setattr(modules, "IMPORT_SECONDS", 0.2)
    endless = "while True:\n    try:\n        pass\n    except Exception:\n        pass\n"
    before = signal.getsignal(signal.SIGALRM)
    catalogue = bundle(tmp_path, {"endless.py": endless, "greet.py": GREET})

    assert list(catalogue.tools) == [("greet", "1")]
    assert "longer than 0.2 seconds" in catalogue.broken[0]["reason"]
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_file_that_starts_a_thread_is_broken(tmp_path: Path) -> None:
    """
    A zygote forks, and a fork copies one thread with the locks of all.
    """
    gate = threading.Event()
    sys.modules["gate_of_the_test"] = gate  # type: ignore[assignment]
    code = """
        import threading, gate_of_the_test
        threading.Thread(target=gate_of_the_test.wait).start()
    """
    catalogue = bundle(tmp_path, {"threads.py": code})
    gate.set()

    assert "starts a thread" in catalogue.broken[0]["reason"]


def test_the_second_of_two_equal_tools_is_broken(tmp_path: Path) -> None:
    """
    Which of them runs must not depend on luck.
    """
    catalogue = bundle(tmp_path, {"a.py": GREET, "b.py": GREET})

    assert list(catalogue.tools) == [("greet", "1")]
    assert catalogue.broken == [
        {
            "name": "greet",
            "file": "b.py",
            "reason": "b.py: 'greet' version '1' is defined in a.py already",
        }
    ]


def test_two_versions_of_a_tool_stand_side_by_side(tmp_path: Path) -> None:
    """
    That is what versions are for.
    """
    newer = GREET.replace("@tool", '@tool(version="2")')

    assert set(bundle(tmp_path, {"a.py": GREET, "b.py": newer}).tools) == {
        ("greet", "1"),
        ("greet", "2"),
    }


def test_private_files_are_not_tools_but_can_be_imported_by_them(tmp_path: Path) -> None:
    """
    Shared code has to lie somewhere.
    """
    shared = (
        "from toolcell_worker import tool\nWORD = 'Hi'\n@tool\ndef hidden() -> None:\n    'Does.'\n"
    )
    user = '''
        import _shared_of_the_test
        from _shared_of_the_test import hidden
        from toolcell_worker import tool

        @tool
        def word() -> str:
            """Says."""
            return _shared_of_the_test.WORD
    '''
    catalogue = bundle(tmp_path, {"_shared_of_the_test.py": shared, "word.py": user})

    assert catalogue.broken == []
    assert list(catalogue.tools) == [("word", "1")]
    assert catalogue.tools["word", "1"].call({}, Context()) == "Hi"


def test_a_file_named_like_a_library_hides_nothing(tmp_path: Path) -> None:
    """
    A tool called `json` must not break every other tool.
    """
    catalogue = bundle(tmp_path, {"json.py": GREET, "uses.py": "import json\njson.dumps(1)\n"})

    assert catalogue.broken == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """
    A typing error in the settings must be found.
    """
    catalogue = load(BundleSpec(name="mine", path=str(tmp_path / "none")))

    assert catalogue.broken[0]["name"] == "mine"
    assert "is not there" in catalogue.broken[0]["reason"]


def test_a_package_is_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Installed tools come as packages; one broken module in them is one broken module.
    """
    files = {
        "pack_of_the_test/__init__.py": "",
        "pack_of_the_test/greet.py": GREET,
        "pack_of_the_test/inner/__init__.py": "",
        "pack_of_the_test/inner/deep.py": GREET.replace("greet", "deep"),
        "pack_of_the_test/_private.py": "raise ValueError",
        "pack_of_the_test/bad.py": "raise ValueError('no')",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    catalogue = load(BundleSpec(name="mine", package="pack_of_the_test"))

    assert set(catalogue.tools) == {("greet", "1"), ("deep", "1")}
    assert [entry["reason"] for entry in catalogue.broken] == ["bad.py, line 1: ValueError: no"]


def test_a_package_that_is_not_installed_is_named() -> None:
    """
    The service starts all the same.
    """
    catalogue = load(BundleSpec(name="mine", package="no_such_package_1"))

    assert catalogue.tools == {}
    assert "No module named 'no_such_package_1'" in catalogue.broken[0]["reason"]


def test_the_built_in_tools_load_and_the_shell_only_if_wanted() -> None:
    """
    An operator switches the shell on, nobody else.
    """
    plain = load(BundleSpec(name="builtin", package="toolcell_worker.tools"))
    with_shell = load(
        BundleSpec(name="builtin", package="toolcell_worker.tools", options={"run_shell": True})
    )

    assert plain.broken == []
    assert {name for name, _ in plain.tools} == {
        "calculate",
        "current_time",
        "http_request",
        "list_files",
        "query_sqlite",
        "read_file",
        "run_python",
        "system_info",
        "text_stats",
        "write_file",
    }
    assert {name for name, _ in with_shell.tools} - {name for name, _ in plain.tools} == {
        "run_shell"
    }
