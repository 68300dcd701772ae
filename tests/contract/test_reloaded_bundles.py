"""
A bundle's folder changes while the server runs: over a real socket, with real zygotes.
"""

from __future__ import annotations

import json
import os
import signal
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from identities import ALICE, CALLS, OPERATOR, token
from plain_calls import toolcell
from processes import named
from running_server import Server, start_server
from toolcell_client import Client
from toolcell_client.errors import CallRefused
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELD = '''
    import time
    from pathlib import Path
    from toolcell_worker import Context, tool

    @tool(effects="read_only", paths=[{{"path": "{root}", "access": "read"}}])
    def hold(context: Context) -> str:
        """Waits until there is a file."""
        context.progress(0.1, "begun")
        while not Path("{root}/go").exists():
            time.sleep(0.01)
        return "{word}"
'''
SAYS = '''
    from toolcell_worker import tool

    @tool(effects="read_only")
    def {name}() -> str:
        """Says which version it is."""
        return "{word}"
'''
BROKEN = "def says(:\n"


@dataclass(frozen=True, slots=True)
class Place:
    """
    A server whose bundle is a folder, and a client of it.
    """

    server: Server
    client: Client
    folder: Path
    root: Path

    def write(self, file: str, text: str) -> None:
        """
        In one piece, as editors do.
        """
        (self.folder / ".new").write_text(textwrap.dedent(text))
        (self.folder / ".new").rename(self.folder / file)

    def says(self, name: str, word: str) -> None:
        self.write(f"{name}.py", SAYS.format(name=name, word=word))

    def run(self, name: str) -> Any:
        return self.client.run(name).raise_for_outcome().value

    def error(self, name: str) -> str:
        return self.client.get_tool(name).reload_error

    def metric(self, name: str, **labels: str) -> float:
        wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
        for line in self.server.scrape().splitlines():
            if line.startswith(f"{name}{{{wanted}}}"):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"there is no {name}{{{wanted}}}")

    def logged(self, *words: str) -> bool:
        lines = self.server.log.read_text().splitlines()
        return any(all(word in line for word in words) for line in lines)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield from started(tmp_path, "")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Place]:
    yield from started(tmp_path, "reload_seconds = 0.05")


def started(tmp_path: Path, more: str) -> Iterator[Place]:
    folder, root, at = tmp_path / "tools", tmp_path / "root", tmp_path / "server"
    for each in (folder, root, at):
        each.mkdir()
        each.chmod(0o755)
    tmp_path.chmod(0o755)
    settings = (
        "[builtin]\nenabled = false\n"
        f'[policy]\nroots = [{{ path = "{root}" }}]\n'
        f'[[bundles]]\nname = "mine"\npath = "{folder}"\n{more}\n'
    )
    for name in ("says", "other"):
        (folder / f"{name}.py").write_text(textwrap.dedent(SAYS.format(name=name, word="first")))
    with start_server(at, settings) as server, Client(server.target) as client:
        yield Place(server, client, folder, root)
    assert "Traceback" not in server.log.read_text()


def test_a_change_is_served_without_a_restart(watched: Place) -> None:
    """
    And a new file is a new tool, a removed one none.
    """
    assert "first" == watched.run("says")
    watched.says("says", "second")
    watched.says("further", "first")
    (watched.folder / "other.py").unlink()

    wait_until(lambda: {"further", "says"} == {tool.name for tool in watched.client.list_tools()})
    assert "second" == watched.run("says")
    assert "first" == watched.run("further")
    with pytest.raises(CallRefused, match="no tool 'other'"):
        watched.run("other")


def test_a_broken_file_never_takes_down_a_good_version(watched: Place) -> None:
    """
    Its tool is served as before and says why; the others of the bundle are as they are now.
    """
    watched.write("says.py", BROKEN)
    watched.says("other", "second")

    wait_until(lambda: bool(watched.error("says")))
    assert "says.py, line 1: invalid syntax" in watched.error("says")
    assert "first" == watched.run("says")
    assert "second" == watched.run("other")
    assert "" == watched.error("other")
    assert 1 == watched.metric("toolcell_outdated_tools", bundle="mine")
    assert watched.logged("a tool is served as before the reload", "says.py, line 1")

    watched.says("says", "third")
    wait_until(lambda: "third" == watched.run("says"))
    assert "" == watched.error("says")
    assert 0 == watched.metric("toolcell_outdated_tools", bundle="mine")


def test_a_file_that_ends_the_interpreter_takes_nothing_down(place: Place) -> None:
    """
    There is no new zygote at all: the whole bundle is served as before.
    """
    place.write("says.py", "import os\nos._exit(3)\n")
    ended = toolcell(place.server.target, "tools", "reload", "mine")
    (bundle,) = json.loads(ended.stdout)

    assert 1 == ended.returncode
    assert "exited with" in bundle["reason"]
    assert ["other", "says"] == bundle["outdated_tools"]
    assert ["first", "first"] == [place.run("says"), place.run("other")]
    assert 1 == place.metric("toolcell_bundle_reloads_total", bundle="mine", result="failed")


def test_running_calls_end_on_the_version_that_they_began_with(place: Place) -> None:
    """
    And calls that come after the reload are the new one's.
    """
    place.write("hold.py", HELD.format(root=place.root, word="old"))
    assert place.client.registry.reload()[0].reloaded
    with place.client.execute("hold") as stream:
        next(event for event in stream if event.HasField("progress"))
        place.write("hold.py", HELD.format(root=place.root, word="new"))
        assert place.client.registry.reload("mine")[0].reloaded
        with place.client.execute("hold") as second:
            next(event for event in second if event.HasField("progress"))
            (place.root / "go").touch()

            assert "new" == second.result().value
            assert "old" == stream.result().value


def test_a_version_that_was_kept_goes_when_its_zygote_does(place: Place) -> None:
    """
    It was in that one's memory only; nobody is told otherwise, and the other tools go on.
    """
    (first,) = zygotes(place)
    place.write("says.py", BROKEN)
    (bundle,) = place.client.registry.reload("mine")
    assert ["says"] == list(bundle.outdated_tools)
    assert "first" == place.run("says")
    os.kill(first, signal.SIGKILL)

    wait_until(lambda: "invalid syntax" in place.client.get_tool("says").broken_reason)
    assert "first" == place.run("other")
    with pytest.raises(CallRefused, match="is broken"):
        place.run("says")


def test_no_more_versions_are_kept_than_there_is_memory_for(place: Place) -> None:
    """
    A reload that would need one more is refused as a whole, and says what to do.
    """
    for number in range(5):
        place.says(f"tool{number}", "good")
    assert place.client.registry.reload("mine")[0].reloaded
    reasons = []
    for number in range(5):
        place.write(f"tool{number}.py", BROKEN)
        (bundle,) = place.client.registry.reload("mine")
        reasons.append(bundle.reason)
        place.says("other", f"version {number}")
        place.client.registry.reload("mine")

    assert "mend those" in reasons[-1]
    assert ["good"] * 5 == [place.run(f"tool{number}") for number in range(5)]


def test_nothing_is_left_of_a_version_that_nobody_needs(place: Place) -> None:
    """
    Ten reloads leave no more zygotes than a few that wait for their last calls.
    """
    for number in range(10):
        place.says("says", str(number))
        assert place.client.registry.reload("mine")[0].reloaded

    assert "9" == place.run("says")
    assert len(zygotes(place)) <= 5


def test_a_bundle_that_is_not_there_is_named(place: Place) -> None:
    """
    With those that there are.
    """
    with pytest.raises(CallRefused, match="there is no bundle 'mime'; name one of mine"):
        place.client.registry.reload("mime")


def test_reloading_is_for_who_may_change_tools(tmp_path: Path) -> None:
    """
    Where callers are known, those with the scope.
    """
    settings = token("admin", OPERATOR, 'scopes = ["toolcell:tools"]') + token(
        "alice", ALICE, CALLS
    )
    with start_server(tmp_path, settings) as server:
        with Client(server.target, token=OPERATOR) as client:
            assert [True] == [one.reloaded for one in client.registry.reload()]
        with Client(server.target, token=ALICE) as client:
            refused = []
            for bundle in ("builtin", "no-such"):
                with pytest.raises(CallRefused) as caught:
                    client.registry.reload(bundle)
                refused.append(str(caught.value))
    assert refused[0] == refused[1]
    assert "not permitted" in refused[0]


def zygotes(place: Place) -> list[int]:
    return named(place.server.process.pid, "zygote")
