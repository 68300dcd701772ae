"""
MCP servers from npm and by hand, in cells of a real service: what they can do, and what not.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import foreign_servers
import grpc
import mcp_server
import pytest
from foreign_servers import MEMORY, MODULES, NODE, OPTION
from running_server import Server, start_server
from toolcell.v1 import registry_pb2 as pb
from toolcell.v1.registry_pb2_grpc import ToolRegistryServiceStub
from toolcell_client import Client
from toolcell_client.errors import CallRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)  # npm installs, and Node.js starts, as they can
SETTINGS = """
[policy]
roots = [{{path = "{open}", access = "write"}}, {{path = "{code}", access = "read"}}]

[registry]
enabled = true

[[registry.mcp]]
name = "hand"
command = "{python}"
arguments = ["{{folder}}/mcp_server.py", "2025-06-18"]
folder = "{code}"
paths = [{{ path = "{open}", access = "write" }}]
read_only = ["harmless"]
exclude = ["show"]
manifest = {{ tags = ["by hand"] }}

[[registry.mcp]]
name = "hostile"
command = "{python}"
arguments = ["{{folder}}/mcp_server.py", "2025-06-18", "offers what no server may"]
folder = "{code}"

[[registry.mcp]]
name = "gone"
command = "/nowhere/server"
"""
NODE_SETTINGS = """
[[registry.mcp]]
name = "files"
command = "{node}"
arguments = ["{option}", "{{folder}}/{files}", "{open}", "{around}"]
folder = "{modules}"
paths = [{{ path = "{open}", access = "write" }}]
read_only = ["read_text_file", "list_directory"]
manifest = {{ limits = {{ memory_bytes = {memory}, wall_seconds = 240 }} }}

[[registry.mcp]]
name = "everything"
command = "{node}"
arguments = ["{option}", "{{folder}}/{everything}", "stdio"]
folder = "{modules}"
manifest = {{ limits = {{ memory_bytes = {memory}, wall_seconds = 240 }} }}
"""


ENDS = (("files", "filesystem"), ("everything", "everything"))


class Place:
    """
    A service with servers, a folder that is open to them, and a secret beside it.
    """

    def __init__(self, folder: Path, node: str = "") -> None:
        self.open, self.code, self.secret = folder / "open", folder / "code", folder / "secret"
        self.open.mkdir()
        self.open.chmod(0o777)
        (self.open / "a.txt").write_text("in the open")
        self.secret.write_text("a secret")
        self.code.mkdir()
        shutil.copy(mcp_server.__file__, self.code / "mcp_server.py")
        for each in (folder, self.code):
            each.chmod(0o755)
        told = SETTINGS.format(open=self.open, code=self.code, python=sys.executable)
        told += node.format(
            **{name: f"@modelcontextprotocol/server-{end}/dist/index.js" for name, end in ENDS},
            open=self.open,
            around=folder,
            node=NODE,
            option=OPTION,
            modules=MODULES,
            memory=MEMORY,
        )
        self.server: Server = start_server(folder, told)
        self.client = Client(self.server.target, timeout=270)

    def close(self) -> None:
        self.client.close()
        self.server.stop()

    def run(self, tool: str, **arguments: Any) -> Any:
        result = self.client.run(tool, arguments)
        assert result.label == "completed", result.outcome
        return result.value

    def look(self, tool: str = "hand_look", **order: Any) -> str:
        return str(self.run(tool, text=json.dumps(order))["text"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("mcp"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    foreign_servers.program("filesystem")
    made = Place(tmp_path_factory.mktemp("node"), NODE_SETTINGS)
    yield made
    made.close()


def unsandboxed(tool: str, arguments: Any, *argv: str) -> str:
    """
    What the same server answers without a cell.
    """
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    said = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments},
        },
    ]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdin
        assert server.stdout
        server.stdin.write("".join(json.dumps(each) + "\n" for each in said).encode())
        server.stdin.flush()
        for line in server.stdout:
            if line.startswith(b"{") and json.loads(line).get("id") == 2:
                server.stdin.close()
                return str(json.loads(line)["result"])
    raise AssertionError("it did not answer")


class TestByHand:
    def test_its_tools_are_listed_with_what_the_operator_says_of_them(self, place: Place) -> None:
        found = {tool.name: tool for tool in place.client.list_tools()}

        assert "hand_show" not in found
        assert list(found["hand_echo"].tags) == ["by hand"]
        effects = {name: found[f"hand_{name}"].effects for name in ("echo", "wipe", "harmless")}
        assert effects == {
            "echo": pb.EFFECTS_WRITES,
            "wipe": pb.EFFECTS_DESTRUCTIVE,
            "harmless": pb.EFFECTS_READ_ONLY,
        }

    def test_they_work(self, place: Place) -> None:
        assert place.run("hand_echo", text="ü") == {"text": "ü"}
        assert place.run("hand_add", a=2, b=3) == {"total": 5}

    def test_they_see_the_folder_that_they_were_granted_and_nothing_beside_it(
        self, place: Place
    ) -> None:
        argv = (sys.executable, str(place.code / "mcp_server.py"))
        order = {"text": json.dumps({"file": str(place.secret)})}

        assert "a secret" in unsandboxed("look", order, *argv)
        assert place.look(file=str(place.secret)).startswith("cannot")
        assert place.look(file=str(place.open / "a.txt")) == "in the open"

    def test_they_reach_no_host(self, place: Place) -> None:
        argv = (sys.executable, str(place.code / "mcp_server.py"))
        host, _, port = place.server.target.rpartition(":")
        order: dict[str, Any] = {"host": host, "port": int(port)}

        assert "connected" in unsandboxed("look", {"text": json.dumps(order)}, *argv)
        assert place.look(**order).startswith("cannot")

    def test_they_have_the_environment_of_a_cell(self, place: Place, monkeypatch: Any) -> None:
        seen = json.loads(place.look())

        assert not any("TOOLCELL" in name or "PYTEST" in name for name in seen)

    def test_each_call_has_a_server_of_its_own_and_none_is_left(self, place: Place) -> None:
        threads = [
            threading.Thread(target=place.run, args=("hand_echo",), kwargs={"text": str(n)})
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
        assert "/registered/code/mcp_server.py" not in listed.stdout

    def test_what_no_server_may_offer_is_left_out_and_the_rest_is_not(self, place: Place) -> None:
        names = [tool.name for tool in place.client.list_tools() if tool.name.startswith("hostile")]

        assert {f"hostile_{tool['name']}" for tool in mcp_server.TOOLS} <= set(names)
        assert not {"hostile_bomb", "hostile_remote", "hostile_no_schema", "hostile_deep"} & set(
            names
        )
        log = place.server.log.read_text()
        assert "at most 2000 nodes" in log
        assert "is not local" in log

    def test_a_server_that_cannot_be_asked_is_a_broken_tool_of_its_name(self, place: Place) -> None:
        with pytest.raises(CallRefused, match="cannot be started"):
            place.client.run("gone", {})


class TestFromNpm:
    def test_the_filesystem_server_is_confined_to_the_folder_that_was_granted(
        self, node: Place
    ) -> None:
        """
        It is told that the folder around is its own; without a cell it reads what lies there.
        """
        argv = (NODE, str(foreign_servers.program("filesystem")), str(node.open.parent))
        outside = {"path": str(node.secret)}

        assert "a secret" in unsandboxed("read_text_file", outside, *argv)
        result = node.client.run("files_read_text_file", outside)
        assert result.label == "failed"
        # The kernel's word, and not the server's own "Access denied".
        assert result.outcome.message.startswith(("EACCES", "ENOENT", "Parent directory"))
        inside = node.run("files_read_text_file", path=str(node.open / "a.txt"))
        assert inside == {"content": "in the open"}

    def test_it_writes_where_it_may(self, node: Place) -> None:
        node.run("files_write_file", path=str(node.open / "b.txt"), content="written")
        refused = node.client.run(
            "files_write_file", {"path": str(node.code / "b"), "content": "x"}
        )

        assert (node.open / "b.txt").read_text() == "written"
        assert refused.label == "failed"
        assert not (node.code / "b").exists()

    def test_all_of_its_tools_are_there(self, node: Place) -> None:
        names = {tool.name for tool in node.client.list_tools()}

        assert {"files_edit_file", "files_directory_tree", "files_search_files"} <= names

    def test_everything_works(self, node: Place) -> None:
        assert node.run("everything_echo", message="hi")["text"] == "Echo: hi"
        assert "temperature" in node.run("everything_get-structured-content", location="Chicago")
        image = node.run("everything_get-tiny-image")["content"][0]
        assert (image["type"], image["mime_type"]) == ("image", "image/png")

    def test_progress_becomes_events(self, node: Place) -> None:
        arguments = {"duration": 0.2, "steps": 2}
        events = list(node.client.execute("everything_trigger-long-running-operation", arguments))

        assert any(event.HasField("progress") for event in events)
        assert events[-1].finished.outcome.HasField("completed")


class TestRegisteredAtRunTime:
    def definition(self, place: Place, *server: str, **fields: Any) -> pb.ToolDefinition:
        argv = [sys.executable, str(place.code / "mcp_server.py"), *server]
        paths = [{"path": str(place.code), "access": "read"}, *fields.pop("paths", ())]
        manifest = json.dumps({"paths": paths, **fields.pop("manifest", {})}).encode()
        return pb.ToolDefinition(manifest_json=manifest, mcp=pb.McpSource(argv=argv, **fields))

    def register(
        self, place: Place, definition: pb.ToolDefinition, **how: Any
    ) -> pb.RegisteredDefinition:
        with grpc.insecure_channel(place.server.target) as channel:
            stub: Any = ToolRegistryServiceStub(channel)
            request = pb.RegisterToolsRequest(definitions=[definition], **how)
            found: pb.RegisteredDefinition = stub.RegisterTools(request).definitions[0]
            return found

    def test_its_tools_are_there_at_once(self, place: Place) -> None:
        made = self.register(place, self.definition(place, prefix="late_", env={"MINE": "1"}))

        assert len(made.tools) == len(mcp_server.TOOLS)
        assert place.run("late_echo", text="x") == {"text": "x"}
        assert json.loads(place.look("late_look"))["MINE"] == "1"
        assert place.look("late_look", file=str(place.open / "a.txt")).startswith("cannot")

    def test_only_those_that_are_named(self, place: Place) -> None:
        made = self.register(place, self.definition(place, prefix="few_", tools=["add"]))

        assert [tool.name for tool in made.tools] == ["few_add"]

    def test_what_is_left_out_is_told_with_the_reason(self, place: Place) -> None:
        fault = "offers what no server may"
        made = self.register(place, self.definition(place, "2025-06-18", fault, prefix="bad_"))

        reasons = {each.path: each.message for each in made.skipped}
        assert "2000 nodes" in reasons["/mcp/tools/bomb"]
        assert (
            len(made.tools) == len(mcp_server.TOOLS) + 1
        )  # one whose name had only to be made fit

    REFUSED: Any = (
        ({"tools": ["nothing"]}, "names 'nothing'"),
        ({"manifest": {"effects": "read_only", "command": True}}, "'command'"),
        ({"paths": [{"path": "/etc", "access": "read"}]}, "/etc"),
    )

    @pytest.mark.parametrize(("fields", "why"), REFUSED)
    def test_a_definition_is_refused_with_the_reason(
        self, place: Place, fields: Any, why: str
    ) -> None:
        made = self.register(place, self.definition(place, prefix="no_", **fields))

        assert not made.tools
        assert why in made.faults[0].message

    @pytest.mark.parametrize(
        "argv", [[], ["server"], ["/nowhere/server"], ["/bin/true"], ["/bin/cat"]]
    )
    def test_what_is_no_server_is_refused_with_the_reason(
        self, place: Place, argv: list[str]
    ) -> None:
        made = self.register(place, pb.ToolDefinition(mcp=pb.McpSource(argv=argv)))

        assert made.faults[0].path.startswith("/mcp")
        assert not made.tools

    def test_who_registers_is_told_what_a_server_complained_of(self, place: Place) -> None:
        """
        The run that asks it is nobody's execution: its output is to be had nowhere else.
        """
        argv = ["/bin/ls", "/no/such/server.py"]
        made = self.register(place, pb.ToolDefinition(mcp=pb.McpSource(argv=argv)))

        assert "ended with code 2" in made.faults[0].message
        assert "No such file or directory" in made.faults[0].message
