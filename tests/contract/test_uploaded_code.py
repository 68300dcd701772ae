"""
Code that is uploaded becomes tools: over a real socket, with real keys, cells and a state folder.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from auditing_logs import records
from identities import ALICE, BOB, OPERATOR, token
from plain_calls import toolcell
from running_server import Server, start_server
from toolcell_client import AsyncClient, Client
from toolcell_client.errors import CallRefused
from zipping import zipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HELLO = '''
from toolcell_worker import tool

@tool(effects="read_only")
def hello(name: str) -> str:
    """Greets somebody."""
    return f"Hello, {name}"
'''
COUNT = """
import asyncio
from vendored.words import split

async def count(text):
    await asyncio.sleep(0)
    return len(split(text))

count.tool_definition = {
    "name": "count",
    "description": "Counts the words of a text.",
    "parameters": {"type": "object", "properties": {"text": {"type": "string"}}},
    "effects": "read_only",
}
"""
WORDS = "def split(text):\n    return text.split()\n"
BARE = "def double(word):\n    return word * 2\n"
MANIFEST = {
    "name": "double",
    "description": "Says a word twice.",
    "parameters": {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
        "additionalProperties": False,
    },
    "effects": "read_only",
}
OWN = 'scopes = ["tools:*", "toolcell:own_tools"]'
ALL = 'scopes = ["tools:*", "toolcell:tools"]'
UNSIGNED = "[registry]\nenabled = true\nrequire_signature = false\n"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    return state


@pytest.fixture
def start(tmp_path: Path, state: Path) -> Iterator[Callable[[str], Server]]:
    """
    Servers one after the other, with one state folder.
    """
    started: list[Server] = []

    def start_one(settings: str = UNSIGNED) -> Server:
        for server in started:
            server.stop()
        folder = tmp_path / f"server{len(started)}"
        folder.mkdir()
        flags = ("--set", f"state_dir={state}")
        started.append(start_server(folder, settings, flags=flags))
        return started[-1]

    yield start_one
    for server in started:
        server.stop()
        assert "Traceback" not in server.log.read_text()


def value(client: Client, tool: str, **arguments: Any) -> Any:
    return client.run(tool, arguments).raise_for_outcome().value


def upload(client: Client, content: bytes | str, name: str = "tools.py", **upload: str) -> Any:
    """
    Upload and register; the tools.
    """
    content = content.encode() if isinstance(content, str) else content
    stored = client.registry.upload(content, name)
    (answer,) = client.registry.register([{"upload": {"sha256": stored.sha256, **upload}}])
    return answer.tools


def test_a_file_becomes_tools_at_the_command_line(
    start: Callable[..., Server], tmp_path: Path, state: Path
) -> None:
    """
    Uploaded, described in a cell, registered and called; still there after a restart, and recorded.
    """
    server = start()
    (tmp_path / "hello.py").write_text(HELLO)
    ended = toolcell(server.target, "tools", "upload", str(tmp_path / "hello.py"))
    assert 0 == ended.returncode, ended.stderr
    told = json.loads(ended.stdout)

    assert ["hello"] == [tool["name"] for tool in told["tools"]]
    for restarted in (False, True):
        with Client((start() if restarted else server).target) as client:
            assert "Hello, Ada" == value(client, "hello", name="Ada")
            assert told["sha256"] == client.get_tool("hello").code_sha256
    recorded = [
        record["data"]["code"]["sha256"]
        for record in records(state / "audit")
        if record["type"] == "toolcell.tool.uploaded"
    ]
    assert [told["sha256"]] == recorded


def test_the_asynchronous_client_does_the_same(start: Callable[..., Server]) -> None:
    async def scenario(target: str) -> object:
        async with AsyncClient(target) as client:
            stored = await client.registry.upload(HELLO.encode(), "tools.py")
            await client.registry.register([{"upload": {"sha256": stored.sha256}}])
            assert [True] == [one.reloaded for one in await client.registry.reload("builtin")]
            result = await client.run("hello", {"name": "Ada"})
            return result.raise_for_outcome().value

    assert "Hello, Ada" == asyncio.run(scenario(start().target))


def test_a_zip_brings_its_dependencies(start: Callable[..., Server]) -> None:
    """
    Beside the tool; asynchronous, and without a line that knows of us.
    """
    files: dict[str, str | bytes] = {
        "counting/__init__.py": "",
        "counting/words.py": COUNT,
        "vendored/__init__.py": "",
        "vendored/words.py": WORDS,
    }
    with Client(start().target) as client:
        upload(client, zipped(files), "counting.zip")

        assert 3 == value(client, "count", text="one two three")
        with pytest.raises(CallRefused, match="test"):
            client.run("count", {"test": "x"})


def test_a_wheel_becomes_the_tools_of_its_entry_points(start: Callable[..., Server]) -> None:
    """
    And nothing else of it is imported.
    """
    files: dict[str, str | bytes] = {
        "acme/__init__.py": HELLO,
        "acme/other.py": "raise RuntimeError  # @tool\n",
        "acme-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n",
        "acme-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
        "acme-1.0.dist-info/entry_points.txt": "[toolcell.tools]\nhello = acme:hello\n",
        "acme-1.0.dist-info/RECORD": "",
    }
    with Client(start().target) as client:
        tools = upload(client, zipped(files), "acme-1.0-py3-none-any.whl")

        assert ["hello"] == [tool.name for tool in tools]
        assert "Hello, Ada" == value(client, "hello", name="Ada")


def test_a_plain_function_has_its_manifest_from_the_client(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    """
    The schema is enforced by the server, before the code is run.
    """
    server = start()
    (tmp_path / "bare.py").write_text(BARE)
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    words = ["--entry", "bare:double", "--manifest", str(tmp_path / "manifest.json")]
    ended = toolcell(server.target, "tools", "upload", str(tmp_path / "bare.py"), *words)
    assert 0 == ended.returncode, ended.stderr
    with Client(server.target) as client:
        assert "haha" == value(client, "double", word="ha")
        with pytest.raises(CallRefused, match="word"):
            client.run("double", {"word": 3})


def test_only_signed_code_is_taken_unless_the_operator_says_otherwise(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    """
    By a key that openssl has made, as the page shows.
    """
    private, public = tmp_path / "key.pem", tmp_path / "public.pem"
    openssl("genpkey", "-algorithm", "ed25519", "-out", str(private))
    openssl("pkey", "-in", str(private), "-pubout", "-out", str(public))
    key = f"[[registry.upload_keys]]\nname = 'ci'\npublic_key = '''{public.read_text()}'''\n"
    server = start(f"[registry]\nenabled = true\n{key}")
    (tmp_path / "hello.py").write_text(HELLO)
    words = ["tools", "upload", str(tmp_path / "hello.py")]
    unsigned = toolcell(server.target, *words)
    signed = toolcell(server.target, *words, "--sign", str(private))

    assert 4 == unsigned.returncode
    assert "it is not signed" in unsigned.stderr
    assert 0 == signed.returncode, signed.stderr
    assert "ci" == json.loads(signed.stdout)["signed_by"]


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


OFF = {
    "registration": "",
    "uploads, because nobody could sign any": "[registry]\nenabled = true\n",
}


@pytest.mark.parametrize("settings", OFF.values(), ids=OFF.keys())
def test_what_is_switched_off_is_refused_by_name(
    start: Callable[..., Server], settings: str
) -> None:
    """
    As it is unless the operator wants it.
    """
    with Client(start(settings).target) as client:
        with pytest.raises(CallRefused, match="switched off") as refused:
            client.registry.upload(HELLO.encode(), "hello.py")

        assert "SWITCHED_OFF" == refused.value.reason


def test_code_of_one_principal_is_nobody_elses(start: Callable[..., Server]) -> None:
    """
    Neither to register, nor to call, nor to know of; whoever may register nothing uploads nothing.
    """
    settings = UNSIGNED + token("alice", ALICE, OWN) + token("bob", BOB, OWN)
    server = start(settings + token("operator", OPERATOR, 'scopes = ["tools:*"]'))
    with (
        Client(server.target, token=ALICE) as alice,
        Client(server.target, token=BOB) as bob,
        Client(server.target, token=OPERATOR) as neither,
    ):
        (tool,) = upload(alice, HELLO)
        refusals = []
        for digest in (tool.code_sha256, "0" * 64):
            with pytest.raises(CallRefused) as caught:
                bob.registry.register([{"upload": {"sha256": digest}}])
            refusals.append(str(caught.value).replace(digest, "…"))
        with pytest.raises(CallRefused, match="not permitted"):
            neither.registry.upload(HELLO.encode(), "hello.py")

        assert refusals[0] == refusals[1]
        assert "Hello, Ada" == value(alice, "hello", name="Ada")
        with pytest.raises(CallRefused, match="no tool 'hello'"):
            bob.run("hello", {"name": "Ada"})
        (own,) = upload(bob, HELLO.replace("Hello", "Goodbye"))
        assert own.code_sha256 != tool.code_sha256
        assert "Goodbye, Ada" == value(bob, "hello", name="Ada")
        assert "Hello, Ada" == value(alice, "hello", name="Ada")


def test_code_that_was_altered_breaks_its_tool_and_no_other(
    start: Callable[..., Server], state: Path
) -> None:
    """
    It is found at the next start, and the tool says what to do.
    """
    with Client(start().target) as client:
        upload(client, HELLO)
        (other,) = upload(client, COUNT.replace("from vendored.words", "from re"), "count.py")
        digest = client.get_tool("hello").code_sha256
        assert other.code_sha256 != digest
    (content,) = (state / "uploads").glob(f"{digest}-*.content")
    content.write_text(HELLO.replace("Hello", "Evil"))
    server = start()
    with Client(server.target) as client:
        with pytest.raises(CallRefused, match="upload it again"):
            client.run("hello", {"name": "Ada"})
        assert "available" in toolcell(server.target, "tools", "describe", "count").stdout.lower()
        upload_again = client.registry.upload(HELLO.encode(), "tools.py")
        assert digest == upload_again.sha256


def test_code_that_is_no_tool_says_why(start: Callable[..., Server]) -> None:
    """
    To whoever uploaded it, with the words of its own error.
    """
    said = {
        "x = 1\n": "no function with @tool",
        "# @tool\nimport no_such_module_1\n": "No module named 'no_such_module_1'",
        "# @tool\nwhile True: pass\n": "loading it ended as exceeded",
    }
    with Client(start().target) as client:
        for text, reason in said.items():
            with pytest.raises(CallRefused, match="declares no tool") as refused:
                upload(client, text)
            assert reason in str(refused.value)
        with pytest.raises(CallRefused, match="is no zip"):
            upload(client, b"nothing", "a.zip")


def test_to_describe_itself_counts_against_the_rates_of_who_registers(
    start: Callable[..., Server],
) -> None:
    """
    It runs what he likes, for seconds, as often as he registers it.
    """
    rates = '[[rates]]\nname = "few"\nprincipal = "*"\ncalls = "2/hour"\n'
    with Client(start(UNSIGNED + rates).target) as client:
        stored = client.registry.upload(HELLO.encode(), "tools.py")
        definition = {"upload": {"sha256": stored.sha256}}
        answers = [
            client.registry.register([definition], all_or_nothing=False)[0] for _ in range(3)
        ]

    assert [[], [], ["QUOTA_EXCEEDED"]] == [
        [fault.code for fault in answer.faults] for answer in answers
    ]
