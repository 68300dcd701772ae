"""
The Landlock wall on the real kernel, and as older kernels would build it.
"""

from __future__ import annotations

from typing import Any

import pytest
from toolcell_worker.walls.landlock import Access, abi, handled
from walled import run, users

try:
    ABI = abi()
except OSError:
    ABI = 0
pytestmark = pytest.mark.skipif(ABI == 0, reason="this kernel has no Landlock")

# A little world of its own, open to everybody, so that only Landlock refuses.
WORLD = """
world = tempfile.mkdtemp()
os.chmod(world, 0o755)
for name in ("read", "write", "run", "scratch", "other"):
    os.mkdir(f"{world}/{name}")
    os.mkdir(f"{world}/{name}/inner")
    Path(f"{world}/{name}/file").write_text("text")
    Path(f"{world}/{name}/program").write_text("#!/bin/true")
    for path in (f"{world}/{name}", f"{world}/{name}/inner", f"{world}/{name}/file"):
        os.chmod(path, 0o777)
    os.chmod(f"{world}/{name}/program", 0o777)
ours = os.open(f"{world}/other/file", os.O_RDONLY)
"""
WALL = """
syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
used = landlock.restrict([
    ("/usr", landlock.RUNTIME), ("/lib", landlock.RUNTIME), ("/lib64", landlock.RUNTIME),
    ("/bin", landlock.RUNTIME), ("/dev/null", landlock.DEVICE),
    (f"{world}/read", landlock.READ), (f"{world}/write", landlock.WRITE),
    (f"{world}/run", landlock.RUNTIME), (f"{world}/scratch", landlock.SCRATCH),
])
"""
PROBE = """
def run_program(path):
    os.waitpid(os.posix_spawn(path, [path], {}), 0)

def look(name):
    folder = f"{world}/{name}"
    return {
        "read": attempt(lambda: Path(folder, "file").read_text()),
        "list": attempt(lambda: os.listdir(folder)),
        "truncate": attempt(lambda: os.truncate(f"{folder}/file", 1)),
        "write": attempt(lambda: os.close(os.open(f"{folder}/file", os.O_WRONLY))),
        "create": attempt(lambda: Path(folder, "new").touch()),
        "move": attempt(lambda: os.rename(f"{folder}/file", f"{folder}/inner/file")),
        "remove": attempt(lambda: os.remove(f"{folder}/inner/file")),
        "link": attempt(lambda: os.symlink("x", f"{folder}/link")),
        "fifo": attempt(lambda: os.mkfifo(f"{folder}/fifo")),
        "run": attempt(lambda: run_program(f"{folder}/program")),
    }

found = {name: look(name) for name in ("read", "write", "run", "scratch", "other")}
"""
CHANGES = {"truncate", "write", "create", "move", "remove"}
GRANTED = {
    "read": {"read", "list"},
    "write": {"read", "list"} | CHANGES,
    "run": {"read", "list", "run"},
    "scratch": {"read", "list", "link"} | CHANGES,
    "other": set[str](),
}


def as_version(version: int) -> str:
    """
    Behaves as on a kernel of this version; the real one still judges what we ask of it.
    """
    return f"landlock.abi = lambda: {version}\n"


@pytest.mark.parametrize("user", users())
def test_without_the_wall_everything_is_possible(user: str) -> None:
    """
    The world must not refuse what Landlock is to refuse.
    """
    found: dict[str, dict[str, str]] = run(WORLD, PROBE, user=user)

    assert {"allowed"} == {result for each in found.values() for result in each.values()}


@pytest.mark.parametrize("user", users())
def test_each_folder_gives_what_its_rule_grants(user: str) -> None:
    """
    The whole table: nothing that was granted is lost, nothing more is won.
    """
    found: dict[str, dict[str, str]] = run(WORLD, WALL, PROBE, user=user)

    allowed = {name: {k for k, v in each.items() if v == "allowed"} for name, each in found.items()}
    assert allowed == GRANTED
    refused = {v for each in found.values() for v in each.values()} - {"allowed"}
    assert refused <= {"EACCES", "EXDEV", "ENOENT"}


@pytest.mark.parametrize("version", range(1, ABI + 1))
def test_every_version_s_ruleset_is_one_that_the_kernel_takes(version: int) -> None:
    """
    A right that a version does not know is an error, and the cell would be lost on old kernels.
    """
    found: dict[str, dict[str, str]] = run(as_version(version), WORLD, WALL, PROBE)

    files = {name: each["read"] for name, each in found.items()}
    assert [*["allowed"] * 4, "EACCES"] == list(files.values())
    assert ("EACCES" if version >= 3 else "allowed") == found["read"]["truncate"]
    # Moving between folders needs REFER, which the first version can only refuse.
    assert ("allowed" if version >= 2 else "EXDEV") == found["write"]["move"]


def test_a_version_from_the_future_is_used_as_far_as_we_know_it() -> None:
    """
    A kernel upgrade must not stop the service.
    """
    body = "syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)\nfound = landlock.handled(1000)"

    assert run(body) == handled(1000)
    assert Access.RESOLVE_UNIX in handled(1000)
    assert Access.RESOLVE_UNIX not in handled(8)


def test_a_rule_may_name_an_open_descriptor() -> None:
    """
    What was checked is what is granted, whatever its path leads to by then.
    """
    found = run(
        WORLD,
        """
        place = os.open(f"{world}/other", os.O_PATH)
        os.rename(f"{world}/other", f"{world}/renamed")
        os.mkdir(f"{world}/other")
        Path(f"{world}/other/file").write_text("swapped in")
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        landlock.restrict([(place, landlock.READ)])
        found = [
            Path(f"{world}/renamed/file").read_text(),
            attempt(lambda: Path(f"{world}/other/file").read_text()),
        ]
        """,
    )

    assert ["text", "EACCES"] == found


def test_a_descriptor_opened_before_still_works() -> None:
    """
    Landlock judges when something is opened: why the descriptors wall closes the rest.
    """
    assert run(WORLD, WALL, "found = os.read(ours, 4).decode()") == "text"


@pytest.mark.skipif(ABI < 4, reason="ports need ABI 4")
@pytest.mark.parametrize("user", users())
def test_only_granted_ports_can_be_connected_to(user: str) -> None:
    """
    The second lock on the network, for hosts without network namespaces.
    """
    servers = """
        servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        one, other = (server.getsockname()[1] for server in servers)
        def connect(port):
            socket.create_connection(("127.0.0.1", port)).close()
        """
    probe = """
        found = [
            attempt(lambda: connect(one)), attempt(lambda: connect(other)),
            attempt(lambda: socket.create_server(("127.0.0.1", 0)).close()),
        ]
        """
    wall = """
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        landlock.restrict([], ports=[one])
        """

    assert run(servers, probe, user=user) == ["allowed"] * 3
    assert run(servers, wall, probe, user=user) == ["allowed", "EACCES", "EACCES"]


@pytest.mark.skipif(ABI < 6, reason="scopes need ABI 6")
def test_signals_and_abstract_sockets_do_not_leave_the_domain() -> None:
    """
    Neither has a path, so no rule over files could stop it.
    """
    outside = """
        name = "\\0toolcell-test-%d" % os.getpid()
        server = socket.socket(socket.AF_UNIX)
        server.bind(name), server.listen()
        sleeper = os.fork()
        if sleeper == 0:
            signal.pause()
        def connect():
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(name)
        """
    probe = """
        found = [attempt(lambda: os.kill(sleeper, 0)), attempt(connect)]
        """
    # In a process beside it: whoever made the sleeper must be able to end it.
    wall = """
        inside_read, inside_write = os.pipe()
        if os.fork() == 0:
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
            landlock.restrict([])
            results = [attempt(lambda: os.kill(sleeper, 0)), attempt(connect)]
            os.write(inside_write, json.dumps(results).encode())
            os._exit(0)
        found = json.loads(os.read(inside_read, 1000))
        """
    end = "os.kill(sleeper, signal.SIGKILL), os.waitpid(sleeper, 0)"

    assert run(outside, probe, end) == ["allowed", "allowed"]
    assert run(outside, wall, end) == ["EPERM", "EPERM"]


def test_a_kernel_without_landlock_is_an_error() -> None:
    """
    The caller decides what the absence means; it must never look like success.
    """
    found = run(
        """
        assembler, denied = bpf.Assembler(), bpf.Label()
        assembler.load(bpf.NUMBER)
        assembler.jump_if_equal(444, denied)  # landlock_create_ruleset
        assembler.end(0x7FFF0000)
        assembler.place(denied)
        assembler.end(0x00050000 | errno.ENOSYS)
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        seccomp.load(assembler.assemble())
        found = [attempt(landlock.abi), attempt(lambda: landlock.restrict([]))]
        """
    )

    assert ["ENOSYS", "ENOSYS"] == found


def test_no_new_privileges_must_be_set_first() -> None:
    """
    Otherwise an ordinary user's cell would have no wall; the error says so.
    """
    found: Any = run("found = attempt(lambda: landlock.restrict([]))", user=users()[-1])

    assert found == "EPERM"
