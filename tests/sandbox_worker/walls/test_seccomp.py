"""
The seccomp wall on the real kernel: each probe also runs without the wall, where it must succeed.
"""

from __future__ import annotations

import os
import platform
import signal

import pytest
from walled import run, start, users

WALL = """
syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
seccomp.load(seccomp.program(Profile.{profile}, network={network}))
"""
COMPUTE = WALL.format(profile="COMPUTE", network=False)
NET = WALL.format(profile="NET", network=True)
SUBPROCESS = WALL.format(profile="SUBPROCESS", network=False)

ORDINARY = """
def threads():
    seen = []
    started = [threading.Thread(target=seen.append, args=(n,)) for n in range(20)]
    [each.start() for each in started], [each.join() for each in started]
    return len(seen)

async def loop():
    return (await asyncio.gather(asyncio.sleep(0.001, 1), asyncio.to_thread(lambda: 2)))

def database():
    with sqlite3.connect(folder + "/a.db") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (7)")
        return connection.execute("SELECT x FROM t").fetchone()[0]

def pair():
    one, other = socket.socketpair()
    one.sendall(b"x")
    return other.recv(1).decode()

def signals():
    got = []
    signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))
    os.kill(os.getpid(), signal.SIGUSR1)
    return got == [signal.SIGUSR1]

def files():
    path = Path(folder, "a")
    path.write_text("a")
    os.utime(path, (1, 1)), path.chmod(0o700), path.rename(folder + "/b")
    with open(folder + "/b", "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX), os.fsync(file.fileno()), file.truncate(3)
        mapped = mmap.mmap(file.fileno(), 3)
        mapped[0:1] = b"x"
        return bytes(mapped).decode()

def pool():
    with concurrent.futures.ThreadPoolExecutor(4) as executor:
        return sum(executor.map(abs, range(-5, 5)))

with tempfile.TemporaryDirectory() as folder:
    found = {
        "threads": threads(), "loop": asyncio.run(loop()), "database": database(), "pair": pair(),
        "signals": signals(), "files": files(), "pool": pool(), "random": len(os.urandom(8)),
        "tls": bool(ssl.create_default_context()), "name": bool(os.uname().sysname),
        "limits": resource.getrlimit(resource.RLIMIT_CORE)[0] >= -1,
        "processors": bool(os.sched_getaffinity(0)), "time": time.sleep(0.001),
    }
"""


@pytest.mark.parametrize("user", users())
@pytest.mark.parametrize("wall", [COMPUTE, NET, SUBPROCESS], ids=["compute", "net", "subprocess"])
def test_ordinary_python_does_not_notice_the_wall(wall: str, user: str) -> None:
    """
    A missing system call would be a tool that fails once in a thousand runs.
    """
    assert run(ORDINARY) == run(wall, ORDINARY, user=user)


# Each is possible for root without the wall.
ATTACKS = {
    "fork": "lambda: os.waitpid(os.fork() or os._exit(0), 0)",
    "exec": "lambda: os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)",
    "internet_socket": "lambda: socket.socket(socket.AF_INET).close()",
    "unix_socket": "lambda: socket.socket(socket.AF_UNIX).close()",
    "netlink_socket": "lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()",
    "datagram_pair": "lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "setsid": "lambda: call('setsid')",
    "unshare": "lambda: syscalls.unshare(syscalls.CLONE_NEWUTS)",
    "tmpfs": "lambda: os.close(syscalls.make_tmpfs({}))",
    "chroot": "lambda: os.chroot('/')",
    "chown": "lambda: os.chown(folder, os.getuid(), -1)",
    "set_id_bit": "lambda: os.chmod(folder, 0o4755)",
    "set_id_file": "lambda: os.close(os.open(folder + '/s', os.O_CREAT | os.O_WRONLY, 0o4700))",
    "attribute": "lambda: os.setxattr(folder, 'trusted.x', b'1')",
    "fifo": "lambda: os.mkfifo(folder + '/fifo')",
    "memory_file": "lambda: os.close(os.memfd_create('x'))",
    "locked_memory": "lambda: call('mlock', ctypes.create_string_buffer(1), 1)",
    "key": "lambda: call('add_key', b'user', b'x', b'x', 1, -3)",
    "landlock": "landlock.abi",
    "limit": "lambda: call('prlimit64', 0, 4, (ctypes.c_uint32 * 4)(), None)",
    "dumpable": "lambda: syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)",
    "subreaper": "lambda: syscalls.prctl(36, 1)",
    "real_time": "lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))",
    "pipe_size": "lambda: fcntl.fcntl(os.pipe()[1], 1031, 65536)",
    "inotify": "lambda: call('inotify_init1', 0)",
    "ptrace": "lambda: call('ptrace', 0, 0, 0, 0)",
    "own_filter": "lambda: seccomp.load(seccomp.program(Profile.COMPUTE, network=False))",
}
TRY_ALL = f"""
folder = tempfile.mkdtemp()
found = {{{", ".join(f"{name!r}: attempt({action})" for name, action in ATTACKS.items())}}}
"""
ONLY_ROOT = {"chroot", "attribute", "real_time", "unshare", "tmpfs"}


NO_WALL = "syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)"


def test_the_attacks_work_where_there_is_no_wall() -> None:
    """
    A probe that fails everywhere would prove nothing.
    """
    found: dict[str, str] = run(NO_WALL, TRY_ALL)

    failed = {name for name, result in found.items() if result != "allowed"}
    assert failed <= (set() if os.geteuid() == 0 else ONLY_ROOT)


@pytest.mark.parametrize("user", users())
@pytest.mark.parametrize(
    ("wall", "allowed"),
    [(COMPUTE, ()), (NET, ("internet_socket",)), (SUBPROCESS, ("fork", "exec", "setsid"))],
    ids=["compute", "net", "subprocess"],
)
def test_the_attacks_are_refused_behind_the_wall(
    wall: str, allowed: tuple[str, ...], user: str
) -> None:
    """
    With an error, not a signal: a library that only probes for a feature must live on.
    """
    found: dict[str, str] = run(wall, TRY_ALL, user=user)

    refused = dict.fromkeys(ATTACKS, "EPERM") | {"attribute": "ENOTSUP"}
    assert refused | dict.fromkeys(allowed, "allowed") == found


@pytest.mark.skipif(platform.machine() != "x86_64", reason="another architecture's calls")
@pytest.mark.parametrize(
    "number",
    [pytest.param(0x4000_0000 + 39, id="x32_getpid")],
)
def test_a_call_of_another_architecture_kills_the_process(number: int) -> None:
    """
    Its numbers would be judged as other calls.
    """
    body = f"libc = ctypes.CDLL(None)\nlibc.syscall(ctypes.c_long({number}))"

    assert start(body).returncode == 0
    assert start(COMPUTE, body).returncode == -signal.SIGSYS


def test_programs_run_behind_the_wall_of_subprocess() -> None:
    """
    The filter stays over fork and exec, and a shell with a pipeline is what tools start.
    """
    found = run(
        SUBPROCESS,
        """
        folder = tempfile.mkdtemp()
        copied = subprocess.run(["/bin/cp", "-a", "/etc/passwd", folder])
        script = 'printf "b\\na\\n" | sort; unshare -U true || echo refused; ls / > /dev/null'
        done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True)
        with get_context("fork").Pool(2) as pool:
            found = [copied.returncode, done.returncode, done.stdout, pool.map(abs, [-1, -2])]
        """,
    )

    assert [0, 0, "a\nb\nrefused\n", [1, 2]] == found


def test_a_socket_of_the_net_profile_carries_a_conversation() -> None:
    """
    What servers and clients do: bind, listen, connect, accept, options, names, time limits.
    """
    found = run(
        NET,
        """
        async def serve():
            async def answer(reader, writer):
                writer.write((await reader.readline()).upper())
                writer.close()
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("localhost", port)
            writer.write(b"hello\\n")
            line = await reader.readline()
            writer.close(), server.close()
            return line.decode()

        found = asyncio.run(serve())
        """,
    )

    assert found == "HELLO\n"


def test_a_filter_needs_no_new_privileges_first() -> None:
    """
    A wall that cannot be built is an error, never a call that runs without it.
    """
    found = run("found = attempt(lambda: seccomp.load(b''))", user=users()[-1])

    assert found in {"EINVAL", "EACCES"}


def test_the_init_s_filter_lets_it_reap_and_nothing_else() -> None:
    """
    It cannot even speak: what it found it tells by its exit code.
    """
    found = run(
        """
        init = os.fork()
        if init == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
            if os.fork() == 0:
                os._exit(7)
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
            seccomp.load(seccomp.init_program())
            signal.sigwait({signal.SIGCHLD})
            reaped = os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1])
            refused = [
                attempt(os.fork),
                attempt(lambda: os.open("/dev/null", os.O_RDONLY)),
                attempt(lambda: os.write(1, b"x")),
                attempt(lambda: socket.socket()),
                attempt(lambda: os.execv("/bin/true", ["true"])),
            ]
            os._exit(reaped if refused == ["EPERM"] * 5 else 1)
        found = os.waitstatus_to_exitcode(os.waitpid(init, 0)[1])
        """
    )

    assert found == 7
