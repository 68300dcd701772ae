"""
What the filters decide, call by call, on both architectures: the programs themselves are run.
"""

from __future__ import annotations

import pytest
from bpf_evaluator import evaluate
from deciding import MACHINES, MAKES, Make, decide, has
from toolcell_worker.walls import allowlist, argument_rules, bpf, seccomp
from toolcell_worker.walls.conditions import Action, Rule
from toolcell_worker.wire import Profile

ALLOW, REFUSE, KILL = Action.ALLOW, Action.REFUSE, Action.KILL
UNKNOWN_CALL = Action.UNKNOWN_CALL

DANGEROUS = """
    acct add_key adjtimex bpf capset chown chroot clock_adjtime clock_settime create_module
    delete_module fanotify_init fanotify_mark fchown fchownat finit_module fsconfig fsmount
    fsopen fspick init_module inotify_add_watch inotify_init inotify_init1 io_cancel io_destroy
    io_getevents io_pgetevents io_setup io_submit io_uring_enter io_uring_register
    io_uring_setup ioperm iopl ioprio_set kcmp kexec_file_load kexec_load keyctl
    landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lookup_dcookie
    memfd_create memfd_secret migrate_pages mknod mknodat mlock mlock2 mlockall modify_ldt mount
    mount_setattr move_mount move_pages mq_getsetattr mq_notify mq_open mq_timedreceive
    mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd name_to_handle_at nfsservctl
    open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
    process_mrelease process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot
    remap_file_pages request_key sched_setattr sched_setparam seccomp semctl semget semop
    semtimedop setdomainname setfsgid setfsuid setgid setgroups sethostname setns setregid
    setresgid setresuid setreuid setrlimit settimeofday setuid shmat shmctl shmdt shmget swapoff
    swapon sync syncfs sysfs syslog umount2 unshare uselib userfaultfd ustat vhangup vmsplice
"""


@pytest.mark.parametrize("make", MAKES, ids=str)
def test_what_reaches_out_of_a_cell_is_refused_in_every_profile(
    make: Make,
) -> None:
    """
    An allowlist grows by mistake; this is what it must never grow by.
    """
    names = [name for name in DANGEROUS.split() if has(make[0], name)]
    arguments = [(0,) * 6, (2**64 - 1,) * 6]

    wrong = [n for n in names for a in arguments if decide(make, n, a).action != REFUSE]

    assert [] == wrong
    assert {"mount", "ptrace", "bpf", "keyctl", "io_uring_setup", "unshare"} <= set(names)


@pytest.mark.parametrize("make", MAKES, ids=str)
def test_another_architecture_is_killed(make: Make) -> None:
    """
    Its numbers mean other calls: execve is 11 for i386, which is munmap for x86_64.
    """
    machine, profile, network = make
    program = seccomp.program(profile, network=network, machine=machine)
    i386, arm, x86_64, aarch64 = 0x4000_0003, 0x4000_0028, 0xC000_003E, 0xC000_00B7

    actions = {mark: evaluate(program, mark, 0).action for mark in (i386, arm, x86_64, aarch64)}

    ours = seccomp.MACHINES[machine].mark
    assert actions.pop(ours) == (ALLOW if machine == "x86_64" else REFUSE)  # read; io_setup
    assert {KILL} == set(actions.values())


NUMBERS = [
    ("one_above_the_table", "x86_64", 451, UNKNOWN_CALL),
    ("far_above_the_table", "x86_64", 0x3FFF_FFFF, UNKNOWN_CALL),
    ("a_gap_in_the_table", "x86_64", 400, UNKNOWN_CALL),
    ("x32_read", "x86_64", 0x4000_0000, KILL),
    ("x32_execve", "x86_64", 0x4000_0208, KILL),
    ("the_highest_x32", "x86_64", 0xFFFF_FFFE, KILL),
    ("no_call_at_all", "x86_64", 0xFFFF_FFFF, UNKNOWN_CALL),
    ("one_above_the_table", "aarch64", 451, UNKNOWN_CALL),
    ("the_highest", "aarch64", 0xFFFF_FFFF, UNKNOWN_CALL),
    ("a_gap_in_the_table", "aarch64", 300, UNKNOWN_CALL),
]


@pytest.mark.parametrize(
    ("machine", "number", "action"),
    [row[1:] for row in NUMBERS],
    ids=[f"{row[1]}_{row[0]}" for row in NUMBERS],
)
def test_numbers_that_no_table_has(machine: str, number: int, action: Action) -> None:
    """
    A kernel newer than the tables must not bring a tool calls that nobody judged.
    """
    program = seccomp.program(Profile.SUBPROCESS, network=True, machine=machine)
    mark = seccomp.MACHINES[machine].mark

    assert action == evaluate(program, mark, number).action


@pytest.mark.parametrize("make", MAKES, ids=str)
def test_every_number_gets_the_verdict_of_its_name(make: Make) -> None:
    """
    The ranges and the search are right for each of them, not only for those in the tables above.
    """
    machine, profile, network = make
    verdicts = seccomp.verdicts(profile, network=network)

    for name in seccomp.MACHINES[machine].numbers:
        verdict = verdicts.get(name, REFUSE)
        found = decide(make, name)
        if isinstance(verdict, Rule):
            assert any(offset >= bpf.ARGUMENTS for offset in found.loaded), name
        else:
            assert verdict == found.action, name
            # The kernel's bitmap of calls that need no filter takes only such paths.
            assert {bpf.ARCHITECTURE, bpf.NUMBER} == set(found.loaded), name
            assert found.steps < 16, name


@pytest.mark.parametrize("machine", MACHINES)
def test_the_init_can_do_its_work_and_nothing_else(machine: str) -> None:
    """
    It is process 1 of the cell and outlives the tool; what cannot be asked of it cannot be misused.
    """
    program, described = seccomp.init_program(machine=machine), seccomp.MACHINES[machine]

    def action(name: str, *arguments: int) -> int:
        return evaluate(program, described.mark, described.numbers[name], arguments).action

    needed = ["wait4", "rt_sigtimedwait", "exit_group", "futex", "brk", "munmap"]
    forbidden = [
        "clone",
        "execve",
        "kill",
        "openat",
        "sendmsg",
        "write",
        "socket",
        "socketpair",
        "connect",
        "prctl",
        "unlinkat",
        "ptrace",
    ]
    assert [ALLOW] * len(needed) == [action(name) for name in needed]
    assert [REFUSE] * len(forbidden) == [action(name) for name in forbidden]
    assert (ALLOW, REFUSE) == (action("mmap", 0, 1, 3), action("mmap", 0, 1, 5))
    assert (ALLOW, REFUSE) == (action("mprotect", 0, 1, 1), action("mprotect", 0, 1, 7))
    assert action("clone3") == REFUSE


def test_every_name_in_the_lists_is_a_system_call() -> None:
    """
    A misspelt name would be refused for ever, and nobody would know why.
    """
    groups = (
        *allowlist.ALWAYS,
        *allowlist.NETWORK,
        *allowlist.PROCESSES,
        *allowlist.INIT,
        allowlist.UNSEEN,
        allowlist.MISSING,
        allowlist.ATTRIBUTES,
    )
    named = {name for group in groups for name in group.names.split()} | set(DANGEROUS.split())
    known = {name for machine in seccomp.MACHINES.values() for name in machine.numbers}

    assert set() == named - known - {"create_module", "nfsservctl", "uselib"}


def test_no_name_is_in_two_groups_and_every_rule_is_used() -> None:
    """
    The second mention would hide which reason holds; a rule without its name allows nothing.
    """
    without = (allowlist.UNSEEN, allowlist.MISSING)
    groups = (*allowlist.ALWAYS, *allowlist.NETWORK, *allowlist.PROCESSES, *without)
    names = [name for group in groups for name in group.names.split()]

    assert sorted(set(names)) == sorted(names)
    assert set() == set(argument_rules.BY_NAME) - set(names)


def test_an_unknown_machine_is_refused_by_name() -> None:
    """
    A guess at its numbers would be a filter for other calls.
    """
    with pytest.raises(OSError, match="riscv64"):
        seccomp.program(Profile.COMPUTE, network=False, machine="riscv64")
