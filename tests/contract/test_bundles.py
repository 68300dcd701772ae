"""
Bundles: each with its own code, its own environment and its own faults.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import running_server
from processes import named
from running_server import Server, start_server
from toolcell.v1 import registry_pb2
from toolcell_client import Client
from toolcell_client.errors import SwitchedOff, ToolBroken, UnknownTool
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


PATIENT_SECONDS = 60.0  # longer than the service waits for an import
FINE = '''
from toolcell_worker import tool


@tool(effects="read_only")
def {name}() -> str:
    """
    Tell who is speaking.
    """
    return {says}
'''


def fine(name: str, says: str) -> str:
    """
    A file with one tool that always says the same.
    """
    return FINE.format(name=name, says=repr(says))


def bundle(folder: Path, **files: str) -> Path:
    """
    A folder with these files; two underscores in a name stand for its dot.

    Each is there whole or not at all: a zygote may be looking.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder.with_name(f"{folder.name}.{name}")
        path.write_text(text)
        if not name.endswith(("__py", "__toml")):
            path.chmod(0o755)
        path.rename(folder / name.replace("__", "."))
    return folder


def section(name: str, **keys: object) -> str:
    """
    One [[bundles]] of the settings.
    """
    lines = [f'{key} = "{value}"' for key, value in {"name": name, **keys}.items()]
    return "\n".join(["[[bundles]]", *lines, ""])


@dataclass(frozen=True)
class Serving:
    """
    A server and its client.
    """

    server: Server
    client: Client

    def tools(self) -> dict[str, registry_pb2.Tool]:
        return {f"{tool.bundle}/{tool.name}": tool for tool in self.client.list_tools()}

    def check_others_work(self) -> None:
        """
        Check that the fault of one bundle is not that of all.
        """
        assert 42 == self.client.run("calculate", {"expression": "6 * 7"}).value["value"]
        assert "Traceback" not in self.server.log.read_text()


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Serving]]:
    """
    Starts a server with these settings; stopped at the end of the test.
    """
    started: list[Serving] = []

    def start(settings: str) -> Serving:
        server = start_server(tmp_path_factory.mktemp("server"), settings)
        started.append(Serving(server, Client(server.target)))
        return started[-1]

    yield start
    for one in started:
        one.client.close()
        one.server.stop()
        assert "Traceback" not in one.server.log.read_text()


def environment(folder: Path, *packages: str) -> Path:
    """
    A virtual environment with nothing in it but these packages, which we have ourselves.

    Returns: its interpreter.
    """
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60
    )
    python = folder / "bin" / "python"
    site = site_of(python)
    for package in packages:
        for file in distribution(package).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), site / file)
    return python


def site_of(python: Path) -> Path:
    program = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([python, "-c", program], capture_output=True, check=True, timeout=60)
    return Path(done.stdout.decode().strip())


# Environments


def test_a_bundle_has_the_modules_of_its_own_environment(
    tmp_path: Path, serve: Callable[[str], Serving]
) -> None:
    """
    Two teams need two versions of one library; neither needs the service's.
    """
    sections = []
    for team, version in (("red", "1.0"), ("blue", "2.0")):
        python = environment(tmp_path / team / "venv", "msgspec", "docstring-parser")
        (site_of(python) / "shared_library.py").write_text(f"VERSION = {version!r}\n")
        code = FINE.format(name=team, says="shared_library.VERSION + sys.prefix")
        code = "import sys\nimport shared_library\n" + code
        path = bundle(tmp_path / team / "tools", tool__py=code)
        sections.append(section(team, path=path, python=python))
    serving = serve("".join(sections))

    assert f"1.0{tmp_path}/red/venv" == serving.client.run("red").value
    assert f"2.0{tmp_path}/blue/venv" == serving.client.run("blue").value
    serving.check_others_work()


def test_entry_points_of_an_environment_are_imported_if_they_are_allowed(
    tmp_path: Path, serve: Callable[[str], Serving]
) -> None:
    """
    A package that came with another one's dependencies gives nobody a tool, and is not run.
    """
    python = environment(tmp_path / "venv", "msgspec", "docstring-parser")
    installed = site_of(python)
    (installed / "acme.py").write_text(FINE.format(name="acme", says="'found'"))
    (installed / "evil.py").write_text("import os\nos._exit(3)\n")
    for name, points in (("acme", "acme = acme"), ("evil", "acme = evil\nevil = evil")):
        (installed / f"{name}-1.0.dist-info").mkdir()
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        (installed / f"{name}-1.0.dist-info" / "METADATA").write_text(about)
        declared = f"[toolcell.tools]\n{points}\n"
        (installed / f"{name}-1.0.dist-info" / "entry_points.txt").write_text(declared)
    serving = serve(
        f'[[bundles]]\nname = "acme"\nentry_points = ["acme"]\ndistributions = ["acme"]\n'
        f'python = "{python}"\n'
    )

    assert "found" == serving.client.run("acme").value
    serving.check_others_work()


def test_a_bundle_runs_behind_our_walls_whatever_its_environment_holds(
    tmp_path: Path, serve: Callable[[str], Serving]
) -> None:
    """
    An old toolcell in a bundle's environment must not build the walls, or speak an old protocol.
    """
    python = environment(tmp_path / "venv", "msgspec", "docstring-parser")
    old = site_of(python) / "toolcell_worker"
    bundle(old, __init____py="raise RuntimeError('an old version')\n")
    (old / "__init__.py").write_text("raise RuntimeError('an old version')\n")
    path = bundle(tmp_path / "tools", tool__py=fine("modern", "new"))
    serving = serve(section("mine", path=path, python=python))

    assert "new" == serving.client.run("modern").value


def test_an_environment_without_what_tools_are_declared_with_is_named(
    tmp_path: Path, serve: Callable[[str], Serving]
) -> None:
    """
    The reason holds the command that mends it.
    """
    python = environment(tmp_path / "venv")
    path = bundle(tmp_path / "tools", tool__py=fine("lonely", "x"))
    serving = serve(section("mine", path=path, python=python))
    reason = serving.tools()["mine/mine"].broken_reason

    assert "msgspec" in reason
    assert f"{python} -m pip install msgspec docstring-parser" in reason
    with pytest.raises(ToolBroken, match="msgspec"):
        serving.client.run("mine")
    serving.check_others_work()


@pytest.mark.parametrize(
    ("program", "says"),
    [
        pytest.param("/bin/true", "exited with 0", id="that ends at once"),
        pytest.param("/bin/sh", "exited with", id="of another language"),
        pytest.param("{0}/garbage", "Exec format error", id="that is garbage"),
    ],
)
def test_an_interpreter_that_is_none_breaks_its_bundle_only(
    tmp_path: Path, serve: Callable[[str], Serving], program: str, says: str
) -> None:
    """
    That it can be executed is all that the settings can check.
    """
    path = bundle(tmp_path / "tools", tool__py=fine("x", "x"))
    bundle(tmp_path, garbage="neither script nor program")
    python = program.format(tmp_path)
    serving = serve(section("mine", path=path, python=python))
    reason = serving.tools()["mine/mine"].broken_reason

    assert says in reason
    assert python in reason
    serving.check_others_work()


def test_a_package_is_a_bundle(tmp_path: Path, serve: Callable[[str], Serving]) -> None:
    """
    Tools that are installed with pip, in modules and in a module's folder of commands.
    """
    python = environment(tmp_path / "venv", "msgspec", "docstring-parser")
    package = site_of(python) / "our_tools"
    bundle(package, files__py=fine("packaged", "from a package"))
    bundle(package / "inner", deep__py=fine("deeper", "from below"))
    for folder in (package, package / "inner"):
        (folder / "__init__.py").touch()
    bundle(package / "commands", hello="#!/bin/sh\necho '\"hello\"'\n", hello__toml=HELLO)
    serving = serve(section("mine", package="our_tools", python=python))

    assert "from a package" == serving.client.run("packaged").value
    assert "from below" == serving.client.run("deeper").value
    assert "hello" == serving.client.run("hello").value


def test_a_package_that_is_not_installed_is_named(serve: Callable[[str], Serving]) -> None:
    """
    Nobody but the bundle's own interpreter can know.
    """
    serving = serve(section("mine", package="no_such_package"))

    assert "No module named 'no_such_package'" in _broken(serving, "mine")[0]
    serving.check_others_work()


# Commands


HELLO = 'name = "hello"\ndescription = "Greet."\neffects = "read_only"\nargv = ["./hello"]\n'
TRUE = 'name = "{}"\ndescription = "Do nothing."\nargv = ["/bin/true"]\n'
MEASURE = """
name = "measure"
description = "Measure a file."
effects = "read_only"
argv = ["./measure", "{path}", "--times={times}"]
stdin = "json"
result = "fd3"
paths = [{ path = "{path}", access = "read" }]

[parameters]
type = "object"
required = ["path"]

[parameters.properties.path]
type = "string"
description = "The file."

[parameters.properties.times]
type = "integer"
default = 1
description = "How often."
"""
MEASURE_SH = r"""#!/bin/sh
echo "measuring $1 $2"
bytes=$(wc -c < "$1")
printf '{"bytes": %d, "times": "%s", "stdin": %s}' "$bytes" "$2" "$(cat)" >&3
"""


def test_a_command_in_sh_is_a_tool(tmp_path: Path, serve: Callable[[str], Serving]) -> None:
    """
    Arguments by argv without a shell and by stdin, a granted file, live output, a JSON result.
    """
    (tmp_path / "root").mkdir()
    file = tmp_path / "root" / "a file; rm -rf $(x).txt"
    file.write_text("12345")
    path = bundle(tmp_path / "tools", measure=MEASURE_SH, measure__toml=MEASURE)
    policy = f'[policy]\nroots = [{{ path = "{tmp_path}/root" }}]\n'
    serving = serve(policy + section("mine", path=path))
    arguments = {"path": str(file), "times": 2}

    result = serving.client.run("measure", arguments)

    assert {"bytes": 5, "times": "--times=2", "stdin": arguments} == result.value
    assert f"measuring {file} --times=2\n" == result.stdout.decode()


def test_run_shell_is_there_only_if_the_operator_wants_it(
    serve: Callable[[str], Serving],
) -> None:
    """
    A shell is the widest of all tools.
    """
    with pytest.raises(UnknownTool):
        serve("").client.run("run_shell", {"command": "true"})
    found = serve("[builtin]\nrun_shell = true\n").client.run(
        "run_shell", {"command": "printf one; printf two >&2; exit 3"}
    )

    assert ("one", "two", 3) == tuple(found.value[key] for key in ("stdout", "stderr", "exit_code"))


@pytest.mark.parametrize(
    ("switch", "off", "on"),
    [
        pytest.param("commands", {"text_stats": {"text": "x"}}, {"read_file"}, id="commands"),
        pytest.param(
            "filesystem", {"read_file": {"path": "{0}"}}, {"text_stats"}, id="file system"
        ),
    ],
)
def test_a_switch_turns_off_what_needs_it_and_nothing_else(
    tmp_path: Path,
    serve: Callable[[str], Serving],
    switch: str,
    off: dict[str, dict[str, str]],
    on: set[str],
) -> None:
    """
    One line of the settings, for the day on which there is no time for more.
    """
    file = tmp_path / "a.txt"
    file.write_text("text")
    arguments: dict[str, Any] = {"read_file": {"path": str(file)}, "text_stats": {"text": "x"}}
    policy = f'[policy]\n{switch} = false\nroots = [{{ path = "{tmp_path}" }}]\n'
    serving = serve(policy)

    for tool in off:
        with pytest.raises(SwitchedOff):
            serving.client.run(tool, arguments[tool])
    for tool in on:
        assert serving.client.run(tool, arguments[tool]).ok
    serving.check_others_work()


def test_without_the_built_in_tools_only_the_operators_are_there(
    tmp_path: Path, serve: Callable[[str], Serving]
) -> None:
    """
    Whoever serves two tools of its own does not want nine more in every model's context.
    """
    path = bundle(tmp_path / "tools", tool__py=fine("only", "me"))
    serving = serve("[builtin]\nenabled = false\n" + section("mine", path=path))

    assert ["mine/only"] == list(serving.tools())
    assert "me" == serving.client.run("only").value


# Faults


def _broken(serving: Serving, name: str) -> list[str]:
    return [tool.broken_reason for tool in serving.tools().values() if tool.bundle == name]


def test_a_name_belongs_to_the_bundle_that_comes_first_in_the_settings(
    tmp_path: Path, serve: Callable[[str], Serving]
) -> None:
    """
    To install a second bundle must not redirect the calls of the first, or of a built-in tool.
    """
    first = bundle(tmp_path / "first", tool__py=fine("speak", "first"))
    second = bundle(
        tmp_path / "second",
        tool__py=fine("speak", "second"),
        calculate__py=fine("calculate", "13"),
    )
    # The first to load must not win by that: it is another one at the next start.
    bundle(first, slow__py="import time\ntime.sleep(1)\n")
    serving = serve(section("first", path=first) + section("second", path=second))
    tools = serving.tools()

    assert "first" == serving.client.run("speak").value
    assert "the bundle first has a tool of this name" in tools["second/speak"].broken_reason
    assert "the bundle builtin" in tools["second/calculate"].broken_reason
    serving.check_others_work()


ODD = fine("odd", "x")
ODD_FILES = {
    "syntax__py": "def f(:\n",
    "missing__py": "\nimport nowhere\n",
    "raising__py": "raise OSError('x\\ny')",
    "exiting__py": "import sys; sys.exit(3)",
    "nul__py": "x = 1\0",
    "nested__py": "x = " + "(" * 10_000,
    "threaded__py": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n",
    "option__py": ODD.replace("odd", "optional").replace("effects", "efects"),
    "unannotated__py": ODD.replace("odd()", "unannotated(text)"),
    "twice__py": ODD.replace("odd", "good"),
    "gibberish__toml": "name = = ",
    "deep__toml": "a = " + "[" * 100_000,
    "coloured__toml": HELLO + 'colour = "red"',
    "absent__toml": HELLO.replace("hello", "absent"),
    "listed__toml": TRUE.format("listed") + '[parameters]\ntype = "array"\n',
    "early__toml": TRUE.format("early") + 'approval = "maybe"\n',
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """
    A server whose bundle holds all these files, and one that is as it should be.
    """
    folder = tmp_path_factory.mktemp("odd")
    files = {"good__py": fine("good", "good"), **ODD_FILES}
    settings = section("mine", path=bundle(folder / "tools", **files))
    with start_server(folder, settings) as server, Client(server.target) as client:
        yield Serving(server, client)
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        pytest.param("syntax", ("syntax.py, line 1", "invalid syntax"), id="a syntax error"),
        pytest.param("missing", ("missing.py, line 2", "'nowhere'", "install"), id="an import"),
        pytest.param("raising", ("raising.py, line 1", "OSError: x y"), id="an exception"),
        pytest.param("exiting", ("exiting.py, line 1", "sys.exit(3)"), id="sys.exit"),
        pytest.param("nul", ("nul.py", "null bytes"), id="a NUL"),
        pytest.param("nested", ("nested.py, line 1", "parentheses"), id="brackets"),
        pytest.param("threaded", ("threaded.py", "starts a thread"), id="a thread"),
        pytest.param("optional", ("option.py", "'efects'", "effects"), id="an unknown option"),
        pytest.param(
            "unannotated", ("'text' has no annotation", "text: str"), id="a parameter without type"
        ),
        pytest.param("gibberish", ("gibberish.toml", "line 1"), id="no TOML"),
        pytest.param("deep", ("deep.toml", "nested too deeply"), id="100,000 brackets"),
        pytest.param("hello", ("coloured.toml", "'colour'", "argv"), id="an unknown key"),
        pytest.param("absent", ("absent.toml", "no program", "/absent"), id="no program"),
        pytest.param("listed", ("listed.toml", 'type = "object"'), id="parameters: no object"),
        pytest.param("early", ("approval", "confirm"), id="an unknown kind of approval"),
    ],
)
def test_a_file_that_does_not_load_is_listed_with_the_reason(
    odd: Serving, tool: str, says: tuple[str, ...]
) -> None:
    """
    The service starts, the neighbours of the file work, and the reason is where one looks for it.
    """
    listed = odd.tools()[f"mine/{tool}"]
    file, _, rest = listed.broken_reason.partition(": ")

    assert registry_pb2.TOOL_STATE_BROKEN == listed.state
    assert not rest.startswith(file)
    with pytest.raises(ToolBroken) as refused:
        odd.client.run(tool)
    for told in (listed.broken_reason, str(refused.value)):
        assert [] == [words for words in says if words not in told], told
    assert "\n" not in listed.broken_reason
    assert "good" == odd.client.run("good").value
    odd.check_others_work()


def test_a_name_that_a_bundle_has_twice_is_told_of(odd: Serving) -> None:
    """
    One of the two is served; whoever looks for the other finds out why.
    """
    reasons = [tool.broken_reason for tool in odd.client.list_tools() if tool.name == "good"]

    assert "" in reasons
    assert any("is defined in good.py already" in reason for reason in reasons)


def test_a_bundle_that_ends_its_process_is_broken_alone(
    tmp_path: Path, serve: Callable[[str], Serving]
) -> None:
    """
    No interpreter can contain os._exit; another process can.
    """
    files = {"bad__py": "import os\nos._exit(3)\n", "good__py": fine("g", "g")}
    serving = serve(section("mine", path=bundle(tmp_path / "tools", **files)))

    assert "exited with 3 while it loaded the bundle" in serving.tools()["mine/mine"].broken_reason
    serving.check_others_work()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_file_whose_import_hangs_is_broken_alone(
    tmp_path: Path, serve: Callable[[str], Serving], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It waits for a network that is not there, say; its neighbours are served.
    """
    monkeypatch.setattr(running_server, "READY_SECONDS", PATIENT_SECONDS)
    files = {
        "bad__py": "import time\ntime.sleep(600)\n",
        "good__py": fine("good", "good"),
    }
    serving = serve(section("mine", path=bundle(tmp_path / "tools", **files)))

    assert "takes longer than 20 seconds" in serving.tools()["mine/bad"].broken_reason
    assert "good" == serving.client.run("good").value
    serving.check_others_work()


def test_a_bundle_that_breaks_while_we_serve_heals_when_it_is_mended(
    tmp_path: Path, serve: Callable[[str], Serving]
) -> None:
    """
    A zygote that restarts finds what lies on disk by then; nobody needs to restart the service.
    """
    folder = bundle(tmp_path / "tools", tool__py=fine("changing", "old"))
    serving = serve(section("mine", path=folder))
    assert "old" == serving.client.run("changing").value
    bundle(folder, tool__py="import os\nos._exit(3)\n")

    for zygote in named(serving.server.process.pid, "zygote"):
        psutil.Process(zygote).send_signal(signal.SIGKILL)
    wait_until(lambda: "mine/mine" in serving.tools())
    with pytest.raises(ToolBroken, match="exited with 3"):  # and not "no such tool"
        serving.client.run("changing")
    serving.check_others_work()

    bundle(folder, tool__py=fine("changing", "new"))
    wait_until(lambda: "mine/mine" not in serving.tools())
    assert "new" == serving.client.run("changing").value


def test_a_bundle_gets_its_own_environment_and_not_the_services(
    tmp_path: Path, serve: Callable[[str], Serving]
) -> None:
    """
    Secrets of the service are in its environment; what a bundle needs, its settings say.
    """
    code = FINE.format(name="environment", says="repr(sorted(os.environ.items()))")
    path = bundle(tmp_path / "tools", tool__py="import os\n" + code)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOP_SECRET", "hunter2")
        serving = serve(section("mine", path=path) + 'env = { COLOUR = "red" }\n')
    found = serving.client.run("environment").value

    assert "hunter2" in Path(f"/proc/{serving.server.process.pid}/environ").read_text()
    assert "TOP_SECRET" not in found
    assert "('COLOUR', 'red')" in found
    assert os.environ["PATH"] not in found or os.environ["PATH"] == "/usr/local/bin:/usr/bin:/bin"
