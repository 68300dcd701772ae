"""
The descriptors wall, and the environment wall beside it.
"""

from __future__ import annotations

import pytest
from walled import run, start

OPEN = """
def is_open(number):
    return attempt(lambda: os.fstat(number)) == "allowed"

def opened():
    return [number for number in range(1200) if is_open(number)]

stdout = os.dup(1)
"""
SPEAK = "os.write(1, json.dumps(found).encode()), os._exit(0)"
PIPES = """
pipes = [os.pipe() for _ in range(10)]
secret = os.open("/etc/passwd", os.O_RDONLY)
os.dup2(secret, 1000)
"""


def test_exactly_the_wanted_descriptors_are_left_each_at_its_number() -> None:
    """
    An inherited directory or socket is a hole in every other wall.
    """
    found = run(
        OPEN,
        PIPES,
        """
        before = len(opened())
        read, write = pipes[0]
        descriptors.place({0: read, 1: stdout, 2: stdout, 3: write})
        os.write(3, b"through")
        inherited = [os.get_inheritable(number) for number in range(4)]
        found = [before, opened(), os.read(0, 7).decode(), inherited]
        """,
        SPEAK,
    )

    assert found[0] > 20
    assert found[1:] == [[0, 1, 2, 3], "through", [True, True, True, False]]


def test_descriptors_may_lie_at_each_other_s_numbers() -> None:
    """
    Whoever moves one onto the other first has lost it.
    """
    found = run(
        OPEN,
        """
        far = [fcntl.fcntl(end, fcntl.F_DUPFD, 50) for end in (stdout, *os.pipe(), *os.pipe())]
        speaking, one_read, one_write, other_read, other_write = far
        os.dup2(one_write, 3), os.dup2(other_write, 4)
        descriptors.place({0: one_read, 1: speaking, 2: other_read, 3: 4, 4: 3})
        os.write(3, b"to other"), os.write(4, b"to one")
        found = [os.read(0, 20).decode(), os.read(2, 20).decode()]
        """,
        SPEAK,
    )

    assert ["to one", "to other"] == found


@pytest.mark.parametrize("numbers", ["{1: 1}", "{0: 0, 2: 2}"], ids=["no_stdin", "a_gap"])
def test_a_gap_is_refused(numbers: str) -> None:
    """
    What lies in it would stay open, or be closed with the rest.
    """
    ended = start(f"descriptors.place({numbers})")

    assert "ValueError" in ended.stderr


@pytest.mark.parametrize("number", [0, 1, 7], ids=["the_first", "the_second", "a_later_one"])
def test_keep_only_keeps_one(number: int) -> None:
    """
    The init keeps its status channel, wherever it lies.
    """
    found = run(
        OPEN,
        PIPES,
        f"""
        kept = {number}
        os.dup2(stdout, kept)
        descriptors.keep_only(kept)
        os.write(kept, json.dumps(opened()).encode()), os._exit(0)
        """,
    )

    assert [number] == found


def test_keeping_what_is_not_open_is_an_error() -> None:
    """
    All the others would be closed, and nobody could say so.
    """
    assert run("found = attempt(lambda: descriptors.keep_only(999))") == "EBADF"


def test_only_declared_variables_are_there_for_the_process_and_its_programs() -> None:
    """
    Whatever the service was started with stays with the service.
    """
    probe = """
        done = subprocess.run(["/usr/bin/env"], capture_output=True, text=True, check=True)
        found = [dict(os.environ), sorted(done.stdout.splitlines())]
        """
    secret = "os.environ['SECRET'] = 'x'"
    declare = "environment.declare({'LANG': 'C', 'TOOL': 'é'})"

    assert run(secret, probe)[0]["SECRET"] == "x"
    assert run(secret, declare, probe) == [
        {"LANG": "C", "TOOL": "é"},
        ["LANG=C", "TOOL=é"],
    ]


@pytest.mark.parametrize("variables", ["{'A=B': 'x'}", "{'A': 'x\\0y'}"], ids=["equals", "nul"])
def test_a_variable_that_cannot_be_is_refused(variables: str) -> None:
    """
    It would be cut off, or be another variable.
    """
    assert start(f"environment.declare({variables})").returncode == 1
