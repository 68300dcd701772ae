from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from performing import Performance, apart
from toolcell_worker.wire import Frame

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def python(tmp_path: Path) -> Any:
    def run(code: str, **arguments: Any) -> Performance:
        return apart("run_python", {"code": code, **arguments}, tmp_path)

    return run


@pytest.fixture
def shell(tmp_path: Path) -> Any:
    def run(command: str, **arguments: Any) -> Performance:
        return apart("run_shell", {"command": command, **arguments}, tmp_path)

    return run


def test_what_the_code_prints_streams_live_and_is_in_the_result(python: Any) -> None:
    """
    People watch the stream; models read the result.
    """
    done = python("import sys\nprint('out')\nprint('err', file=sys.stderr)")

    assert (done.result["stdout"], done.result["stderr"]) == ("out\n", "err\n")
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    assert (done.result["exit_code"], done.code) == (0, 0)


def test_bytes_written_below_the_text_layer_are_captured_in_order(python: Any) -> None:
    """
    Many programs write to `sys.stdout.buffer`.
    """
    done = python("import sys\nprint('a')\nsys.stdout.buffer.write(b'\\xffb\\n')\nprint('c')")

    assert done.result["stdout"] == "a\n\ufffdb\nc\n"


ENDINGS = {
    "running to its end": ("x = 1", 0, ""),
    "sys.exit with a number": ("import sys; sys.exit(3)", 3, ""),
    "sys.exit with a text": ("import sys; sys.exit('no input')", 1, "no input\n"),
    "sys.exit with nothing": ("import sys; sys.exit()", 0, ""),
    "an exception": ("x = 1\n1 / 0", 1, "ZeroDivisionError: division by zero\n"),
    "a syntax error": ("def f(:", 1, "SyntaxError: invalid syntax\n"),
    "a NUL byte": ("x = '\0'", 1, "source code string cannot contain null bytes\n"),
    "an interrupt": ("raise KeyboardInterrupt", 1, "KeyboardInterrupt\n"),
}


@pytest.mark.parametrize(("code", "exit_code", "end"), ENDINGS.values(), ids=ENDINGS)
def test_code_ends_as_a_program_would(python: Any, code: str, exit_code: int, end: str) -> None:
    """
    An error of the code is an answer, not a failure of the tool.
    """
    result = python(code).result

    assert result["exit_code"] == exit_code
    assert result["stderr"].endswith(end)
    assert bool(result["stderr"]) == bool(end)


def test_a_traceback_shows_the_line_of_the_code_and_nothing_of_ours(python: Any) -> None:
    """
    The model corrects its own code by it.
    """
    text = python("def f():\n    return 1 / 0\n\nf()").result["stderr"]

    assert 'File "<code>", line 4' in text
    assert "return 1 / 0" in text
    assert "run_python.py" not in text


def test_the_code_is_the_main_module(python: Any) -> None:
    """
    Pickling, dataclasses and `if __name__ == "__main__"` look for it.
    """
    code = """
import dataclasses, pickle, sys
@dataclasses.dataclass
class Point:
    x: int
if __name__ == "__main__":
    print(pickle.loads(pickle.dumps(Point(3))), sys.argv, [n for n in globals() if n[0] != "_"])
"""
    printed = python(code).result["stdout"]

    assert printed == "Point(x=3) ['<code>'] ['dataclasses', 'pickle', 'sys', 'Point']\n"


def test_standard_input_can_be_read_by_name_and_by_descriptor(python: Any) -> None:
    """
    Programs use both.
    """
    code = "import os\nprint(input())\nprint(os.lseek(0, 0, 0), os.read(0, 99))"

    assert python(code, stdin="first\nö").result["stdout"] == "first\n0 b'first\\n\\xc3\\xb6'\n"


def test_files_go_in_and_come_out(python: Any) -> None:
    """
    Text as text, bytes in base64, nothing that was not asked for.
    """
    code = """
import helper
data = open("data/in.bin", "rb").read()
open("out.txt", "w").write(helper.WORD)
open("out.bin", "wb").write(data[::-1])
open("other", "w").write("x")
"""
    files = {
        "helper.py": "WORD = 'ö'",
        "data/in.bin": {"base64": base64.b64encode(b"\x00\xff").decode()},
    }
    result = python(code, files=files, collect=["out.txt", "out.bin", "none"]).result

    assert result["stderr"] == ""
    assert result["files"] == {"out.txt": "ö", "out.bin": {"base64": "/wA="}}
    assert result["not_collected"] == {"none": "the code wrote no such file"}


def test_a_file_that_is_too_large_is_left_out_and_said(python: Any) -> None:
    """
    It must not make the whole result impossible.
    """
    result = python("open('big', 'w').write('x' * 2_000_000)", collect=["big"]).result

    assert result["files"] == {}
    assert "too large" in result["not_collected"]["big"]


def test_what_is_not_a_regular_file_is_not_waited_for(python: Any) -> None:
    """
    Opening a fifo waits for ever.
    """
    result = python("import os; os.mkfifo('pipe')", collect=["pipe"]).result

    assert list(result["not_collected"]) == ["pipe"]


@pytest.mark.parametrize("name", ["/tmp/x", "../x", "a/../../x", "", "a\0b"])
def test_a_file_name_stays_in_the_working_directory(python: Any, name: str) -> None:
    """
    The walls hold anyway; a clear answer is better than a strange one.
    """
    assert python("", files={name: "x"}).raised["code"] == "BAD_NAME"
    assert python("", collect=[name]).raised["code"] == "BAD_NAME"


def test_much_output_is_cut_in_the_middle_of_the_result_only(python: Any) -> None:
    """
    A model reads how it began and how it ended.
    """
    done = python("print('begin')\nfor n in range(100_000): print(n)\nprint('end')")

    assert done.result["truncated"] is True
    assert done.result["stdout"].startswith("begin\n0\n")
    assert done.result["stdout"].endswith("99999\nend\n")
    assert "bytes left out" in done.result["stdout"]
    assert len(done.result["stdout"]) < 300_000
    assert len(done.stdout) == len("begin\nend\n") + sum(len(f"{n}\n") for n in range(100_000))


LIMITS = {
    "memory": ("raise MemoryError", "memory"),
    "a full disk": ("import errno\nraise OSError(errno.ENOSPC, 'No space left')", "disk"),
    "open files": ("import errno\nraise OSError(errno.EMFILE, 'Too many')", "open_files"),
}


@pytest.mark.parametrize(("code", "limit"), LIMITS.values(), ids=LIMITS)
def test_code_that_meets_a_limit_ends_by_that_limit(python: Any, code: str, limit: str) -> None:
    """
    "Exit code 1" would hide which limit it was; what it printed before stays.
    """
    done = python("print('before')\n" + code)

    assert done.raised["limit"] == limit
    assert done.stdout == "before\n"


def test_memory_that_is_really_exhausted_is_named(python: Any) -> None:
    """
    Writing the ending needs memory, too.
    """
    code = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (400 * 2**20, 400 * 2**20))
kept = []
while True:
    kept.append(bytearray(100_000))
"""
    found = python(code).raised

    assert (found["limit"], found["exception"]) == ("memory", "MemoryError")


def test_an_access_that_the_code_was_denied_is_reported(python: Any) -> None:
    """
    The caller learns the cause even though the tool itself completed.
    """
    done = python("open('/no/such/folder/secret')")

    assert done.of(Frame.DENIED) == [
        {
            "wall": "mounts",
            "operation": "open",
            "target": "/no/such/folder/secret",
            "reason": "not_granted",
        }
    ]
    assert done.result["exit_code"] == 1
    assert "FileNotFoundError" in done.result["stderr"]


def test_an_access_that_the_code_caught_is_its_own_business(python: Any) -> None:
    """
    Code may try.
    """
    code = "try:\n    open('/no/such/secret')\nexcept OSError as e:\n    print(type(e).__name__)"
    done = python(code)

    assert done.of(Frame.DENIED) == []
    assert done.result["stdout"] == "FileNotFoundError\n"


def test_threads_that_the_code_started_are_waited_for(python: Any) -> None:
    """
    As the interpreter does at its end.
    """
    code = "import threading, time\n"
    code += "threading.Thread(target=lambda: (time.sleep(0.2), print('late'))).start()"

    assert python(code).result["stdout"] == "late\n"


def test_asyncio_works_in_the_code(python: Any) -> None:
    """
    The tool itself must not have a loop running.
    """
    code = "import asyncio\nasync def f(): return 5\nprint(asyncio.run(f()))"

    assert python(code).result["stdout"] == "5\n"


def test_a_process_that_ends_itself_sends_no_result(python: Any) -> None:
    """
    The server then says what it saw: an exit code.
    """
    done = python("import os\nprint('gone', flush=True)\nos._exit(7)")

    assert (done.code, done.frames, done.stdout) == (7, [], "gone\n")


def test_a_shell_command_streams_and_results(shell: Any) -> None:
    """
    Both streams, live and kept.
    """
    done = shell("cat; echo err >&2; exit 3", stdin="in\n")

    assert (done.stdout, done.stderr) == ("in\n", "err\n")
    assert done.result == {
        "stdout": "in\n",
        "stderr": "err\n",
        "exit_code": 3,
        "signal": "",
        "truncated": False,
    }


def test_a_shell_command_that_is_killed_says_by_what(shell: Any) -> None:
    """
    128 + number is what a shell would say.
    """
    result = shell("kill -TERM $$").result

    assert (result["exit_code"], result["signal"]) == (143, "SIGTERM")


def test_a_process_left_in_the_background_does_not_keep_the_shell(
    shell: Any, tmp_path: Path
) -> None:
    """
    End of file may never come.
    """
    import os

    result = shell("sleep 30 >&2 & echo $! > child; echo done").result
    os.kill(int((tmp_path / "child").read_text()), 9)

    assert result["stdout"] == "done\n"
