"""
The filter of a bare cell, and the pid that is put into it.
"""

from __future__ import annotations

import itertools

import pytest
from bpf_evaluator import INSTRUCTION, evaluate
from deciding import MACHINES, MAKES, Make, decide, has
from toolcell_worker.walls import bare_rules, bpf, seccomp
from toolcell_worker.walls.conditions import OWN_PID, Action
from toolcell_worker.wire import Profile
from walled import run, users

ALLOW, REFUSE = Action.ALLOW, Action.REFUSE
PID = 4_194_303  # the highest there can be
UPPER = 1 << 32


def decide_bare(make: Make, name: str, arguments: tuple[int, ...] = (), pid: int = PID) -> int:
    """
    What the bare filter of this make decides.
    """
    machine, profile, network = make
    program = seccomp.program(profile, network=network, own_pid=pid, machine=machine)
    described = seccomp.MACHINES[machine]
    return evaluate(program, described.mark, described.numbers[name], arguments).action


RULES = [
    # sentence, call, arguments, action
    ("a thread", "clone", (0x3D0F00,), ALLOW),
    ("a fork by clone", "clone", (0x1200011,), REFUSE),
    ("a spawn", "clone", (0x4111,), REFUSE),
    ("fork", "fork", (), REFUSE),
    ("vfork", "vfork", (), REFUSE),
    ("exec", "execve", (), REFUSE),
    ("exec by descriptor", "execveat", (), REFUSE),
    ("a session", "setsid", (), REFUSE),
    ("a process by descriptor", "pidfd_open", (PID,), REFUSE),
    ("a signal by descriptor", "pidfd_send_signal", (), REFUSE),
    ("chmod", "chmod", (0, 0o644), REFUSE),
    ("fchmod", "fchmod", (0, 0o644), REFUSE),
    ("fchmodat", "fchmodat", (0, 0, 0o644), REFUSE),
    ("utime", "utime", (), REFUSE),
    ("utimensat", "utimensat", (), REFUSE),
    ("truncate", "truncate", (), REFUSE),
    ("truncating what is open", "ftruncate", (), ALLOW),
    ("a signal to itself", "kill", (PID, 15), ALLOW),
    ("a signal to itself, dirty", "kill", (UPPER | PID, 15), ALLOW),
    ("a signal to another", "kill", (PID - 1, 15), REFUSE),
    ("a signal to another, hidden", "kill", (UPPER | (PID - 1), 15), REFUSE),
    ("a signal to its group", "kill", (0, 15), REFUSE),
    ("a signal to everybody", "kill", (2**64 - 1, 9), REFUSE),
    ("a signal to a group", "kill", (2**32 - PID, 9), REFUSE),
    ("asking whether another lives", "kill", (1, 0), REFUSE),
    ("a signal to a thread", "tgkill", (PID, 77, 6), ALLOW),
    ("a signal to another's thread", "tgkill", (PID - 1, PID, 6), REFUSE),
    ("a signal to the first thread", "tkill", (PID, 6), ALLOW),
    ("a signal to any thread", "tkill", (PID + 1, 6), REFUSE),
    ("a queued signal", "rt_sigqueueinfo", (PID, 10), ALLOW),
    ("a queued signal to another", "rt_sigqueueinfo", (1, 10), REFUSE),
    ("a thread's queued signal", "rt_tgsigqueueinfo", (PID, 5, 10), ALLOW),
    ("another's queued signal", "rt_tgsigqueueinfo", (2, PID, 10), REFUSE),
    ("own processors", "sched_setaffinity", (0,), ALLOW),
    ("another's processors", "sched_setaffinity", (1,), REFUSE),
    ("own priority", "setpriority", (0, PID, 5), ALLOW),
    ("another's priority", "setpriority", (0, 1, 5), REFUSE),
    ("a group's priority", "setpriority", (1, 0, 5), REFUSE),
    ("a user's priority", "setpriority", (2, 0, 5), REFUSE),
    ("own policy", "sched_setscheduler", (0, 5), ALLOW),
    ("another's policy", "sched_setscheduler", (1, 5), REFUSE),
    ("own real-time policy", "sched_setscheduler", (0, 1), REFUSE),
    ("own futexes", "get_robust_list", (0,), ALLOW),
    ("another's futexes", "get_robust_list", (1,), REFUSE),
    ("opening to read", "openat", (0, 0, 0), ALLOW),
    ("emptying while opening to write", "openat", (0, 0, 0o1001), ALLOW),
    ("emptying while opening to read", "openat", (0, 0, 0o1000), REFUSE),
    ("emptying while opening for nothing", "openat", (0, 0, 0o1003), REFUSE),
    ("creating", "openat", (0, 0, 0o1101, 0o644), ALLOW),
    ("creating a set-id file", "openat", (0, 0, 0o1101, 0o4755), REFUSE),
    ("an old way to empty", "open", (0, 0o1000), REFUSE),
    ("a stream", "socket", (2, 1, 0), ALLOW),
    ("a stream of TCP that does not block", "socket", (2, 1 | 0x800, 6), ALLOW),
    ("a stream over IPv6", "socket", (10, 1, 0), REFUSE),
    ("a stream of MPTCP", "socket", (2, 1, 262), REFUSE),
    ("a stream of SCTP", "socket", (2, 1, 132), REFUSE),
    ("a stream of SMC", "socket", (43, 1, 0), REFUSE),
    ("datagrams", "socket", (2, 2, 0), REFUSE),
    ("datagrams, hidden", "socket", (UPPER | 2, UPPER | 2, 17), REFUSE),
    ("a raw socket", "socket", (2, 3, 255), REFUSE),
    ("a socket of paths", "socket", (1, 1, 0), REFUSE),
    ("connecting, where Landlock lets it", "connect", (3,), ALLOW),
    ("connecting by fast open", "sendto", (3, 0, 1, 0x20000000), REFUSE),
    ("connecting by a message", "sendmsg", (3, 0, 0x20000000), REFUSE),
    ("connecting by messages", "sendmmsg", (3, 0, 1, UPPER | 0x20000000), REFUSE),
    ("fast open by an option", "setsockopt", (3, 6, 30), Action.UNKNOWN_OPTION),
    ("fast open of a listener", "setsockopt", (3, 6, 23), Action.UNKNOWN_OPTION),
    ("a name for a socket", "bind", (3,), REFUSE),
    ("listening, with a name or without", "listen", (3,), REFUSE),
    ("taking a connection", "accept", (3,), REFUSE),
    ("taking a connection with flags", "accept4", (3,), REFUSE),
]


@pytest.mark.parametrize(
    ("make", "name", "arguments", "action"),
    [
        pytest.param((machine, Profile.SUBPROCESS, True), *rest, id=f"{machine}_{sentence}")
        for machine in MACHINES
        for sentence, *rest in RULES
        if has(machine, str(rest[0]))
    ],
)
def test_a_bare_cell_reaches_nothing_but_itself(
    make: Make, name: str, arguments: tuple[int, ...], action: Action
) -> None:
    """
    The host's pids and paths are in its sight, whatever its profile.
    """
    assert action == decide_bare(make, name, arguments)


@pytest.mark.parametrize("make", MAKES, ids=str)
def test_a_bare_filter_allows_nothing_that_the_plain_one_refuses(make: Make) -> None:
    """
    What is added narrows.
    """
    samples = [(0,) * 6, (2**64 - 1,) * 6, (PID, 1, 1, 1, 1, 1), (1, 0o101, 0o101, 0o644, 0, 0)]
    tried = itertools.product(seccomp.MACHINES[make[0]].numbers, samples)

    wider = [
        (name, arguments)
        for name, arguments in tried
        if decide_bare(make, name, arguments) == ALLOW
        and decide(make, name, arguments).action != ALLOW
    ]

    assert [] == wider


@pytest.mark.parametrize("make", MAKES, ids=str)
def test_a_pid_is_put_where_pids_are_compared_and_nowhere_else(make: Make) -> None:
    """
    A byte too many would be another filter.
    """
    machine, profile, network = make
    plain = seccomp.program(profile, network=network, machine=machine)
    forgotten = seccomp.program(profile, network=network, own_pid=OWN_PID, machine=machine)
    patched = seccomp.program(profile, network=network, own_pid=PID, machine=machine)

    changed = [
        (before, after)
        for before, after in zip(
            INSTRUCTION.iter_unpack(forgotten), INSTRUCTION.iter_unpack(patched), strict=True
        )
        if before != after
    ]

    assert len(changed) >= len({"kill", "tgkill", "sched_setaffinity"})
    assert {(bpf.JUMP_IF_EQUAL, OWN_PID)} == {(before[0], before[3]) for before, _ in changed}
    assert all(after == (*before[:3], PID) for before, after in changed)
    assert OWN_PID not in {operand for *_, operand in INSTRUCTION.iter_unpack(plain)}
    assert OWN_PID not in {operand for *_, operand in INSTRUCTION.iter_unpack(patched)}


@pytest.mark.parametrize("pid", [1, 2, 0x3D0F, 65_535, PID])
def test_each_process_gets_its_own_pid(pid: int) -> None:
    """
    The program is compiled once; one pid must not stay in it for the next.
    """
    make = (MACHINES[0], Profile.COMPUTE, False)

    assert decide_bare(make, "kill", (pid, 9), pid) == ALLOW
    assert decide_bare(make, "kill", (pid + 1, 9), pid) == REFUSE


def test_a_filter_whose_pid_was_forgotten_allows_no_signal() -> None:
    """
    Pids stay below 2**22, whatever the host's settings.
    """
    make = (MACHINES[0], Profile.COMPUTE, False)
    allowed = [
        pid
        for pid in (0, 1, 2**22, 2**32 - 1)
        if decide_bare(make, "kill", (pid,), OWN_PID) == ALLOW
    ]

    assert [] == allowed
    assert OWN_PID > 2**22


def test_every_rule_of_a_bare_cell_is_about_a_call_that_the_lists_have() -> None:
    """
    A misspelt name would refuse nothing.
    """
    verdicts = seccomp.verdicts(Profile.SUBPROCESS, network=True)

    assert set() == (set(bare_rules.BY_NAME) | bare_rules.REFUSED) - verdicts.keys()
    assert set() == set(bare_rules.BY_NAME) & bare_rules.REFUSED


ATTEMPTS = """
other = os.getppid()
path = tempfile.mkstemp()[1]
os.utime(path, (1, 1))
{wall}
found = [
    attempt(lambda: os.kill(other, 0)),
    attempt(lambda: os.kill(os.getpid(), 0)),
    attempt(lambda: signal.pthread_kill(threading.main_thread().ident, 0)),
    attempt(lambda: os.utime(path, (2, 2))),
    attempt(lambda: os.chmod(path, 0o777)),
    attempt(lambda: os.truncate(path, 1)),
    attempt(lambda: os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))),
    attempt(lambda: os.waitpid(os.fork() or os._exit(0), 0)),
    attempt(lambda: os.sched_setaffinity(other, os.sched_getaffinity(other))),
    attempt(lambda: os.setpriority(os.PRIO_PROCESS, other, os.getpriority(os.PRIO_PROCESS, other))),
]
"""
LOADED = """
syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
program = seccomp.program(Profile.SUBPROCESS, network=False, own_pid=os.getpid())
seccomp.load(program)
"""


@pytest.mark.parametrize("user", users())
def test_the_real_kernel_keeps_a_bare_process_to_itself(user: str) -> None:
    """
    Each attempt works without the wall.
    """
    free: list[str] = run(ATTEMPTS.format(wall=""))
    held: list[str] = run(ATTEMPTS.format(wall=LOADED), user=user)

    assert ["allowed"] * len(free) == free
    assert ["EPERM", "allowed", "allowed", *["EPERM"] * 7] == held
