"""
Which system calls a tool may make, in groups, each with the reason why it is there.

Theory of operation.  We started from what both Docker's default profile and systemd's
@system-service allow, and took away what no tool needs.  A call that the tables know and no group
names fails with EPERM; one that the tables do not know fails with ENOSYS, as on a kernel without
it.  Some of what is left out, and why:

* keyrings, SysV and POSIX queues and shared memory: they outlive the cell, or are shared with it.
* io_uring, AIO: they do what their queues say, past this filter.
* bpf, userfaultfd, perf_event_open, keyctl, modules, kexec, clocks, swap, quotas, accounting: large
  or powerful parts of the kernel.
* ptrace, process_vm_*, kcmp, pidfd_getfd: they look into other processes.
* mounts, namespaces, chroot, open_by_handle_at: they change or bypass what the mounts wall shows.
* chown, set*id, capset: there is one identity here.
* mlock, memfd_create, memfd_secret: memory that no limit of ours counts.
* inotify, fanotify, sync: they see or slow the work of others.
* landlock and seccomp: this filter is the last wall, no further one is needed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """
    System calls that are allowed for one reason.  `names` are separated by spaces; a name that
    this architecture lacks is passed over.
    """

    reason: str
    names: str


ALWAYS: tuple[Group, ...] = (
    Group(
        "read and write what is open",
        "read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close"
        " close_range dup dup2 dup3 fcntl ioctl pipe pipe2 splice tee sendfile copy_file_range"
        " fsync fdatasync sync_file_range fadvise64 readahead ftruncate fallocate flock",
    ),
    Group(
        "open, name and look at files; the mounts wall and Landlock say which",
        "open openat creat access faccessat faccessat2 stat lstat fstat newfstatat statx statfs"
        " fstatfs getdents getdents64 readlink readlinkat getcwd chdir fchdir truncate umask"
        " mkdir mkdirat rmdir rename renameat renameat2 link linkat unlink unlinkat symlink"
        " symlinkat chmod fchmod fchmodat utime utimes futimesat utimensat getxattr lgetxattr"
        " fgetxattr listxattr llistxattr flistxattr",
    ),
    Group(
        "have memory",
        "brk mmap munmap mremap mprotect madvise mincore msync",
    ),
    Group(
        "run threads; `clone` by its flags",
        "clone futex futex_waitv set_robust_list get_robust_list set_tid_address rseq membarrier"
        " gettid sched_yield getcpu arch_prctl exit exit_group restart_syscall",
    ),
    Group(
        "signals; the pid namespace says whose",
        "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait"
        " rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack kill tkill tgkill pause alarm",
    ),
    Group(
        "wait for events",
        "poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait"
        " epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime"
        " timerfd_gettime wait4 waitid",
    ),
    Group(
        "know and await the time, never set it",
        "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getitimer"
        " setitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete",
    ),
    Group(
        "ask who and where one is, and what one may use",
        "getpid getppid getpgid getpgrp getsid getuid geteuid getgid getegid getresuid getresgid"
        " getgroups capget uname sysinfo getrusage getrlimit prlimit64 getrandom personality prctl",
    ),
    Group(
        "yield to others; without a capability never more than one's share",
        "getpriority setpriority ioprio_get sched_getaffinity sched_setaffinity sched_getattr"
        " sched_getparam sched_getscheduler sched_setscheduler sched_get_priority_max"
        " sched_get_priority_min sched_rr_get_interval",
    ),
    Group(
        "talk over the cell's channel and over socket pairs, as event loops do with themselves",
        "socketpair sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown getsockname"
        " getpeername getsockopt setsockopt",
    ),
)
NETWORK: tuple[Group, ...] = (
    Group(
        "internet sockets; the network namespace and the egress say where to",
        "socket connect bind listen accept accept4",
    ),
)
PROCESSES: tuple[Group, ...] = (
    Group(
        "start programs and look after them; the pid namespace keeps them in",
        "fork vfork execve execveat setsid setpgid pidfd_open pidfd_send_signal",
    ),
)
# Their flags lie in memory, where no filter can see them.  Every caller has an older way, by flags
# in registers, for kernels without them.
UNSEEN = Group("judged as if the kernel had none", "clone3 openat2")
# Runtimes ask for them whenever they start (OpenBLAS for places in memory, V8 for keys), and go on
# without where there are none.  A refusal would be told to the caller each time.
MISSING = Group(
    "as on a kernel without NUMA and protection keys",
    "get_mempolicy mbind pkey_alloc pkey_free pkey_mprotect set_mempolicy",
)
# Programs that copy files with their attributes go on without where a file system has none, but
# give up when it refuses.
ATTRIBUTES = Group(
    "not to be set: access lists are attributes",
    "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr",
)
# The cell's init runs our loop only, never a tool: it waits for whoever ends.
INIT: tuple[Group, ...] = (
    Group("reap", "rt_sigtimedwait wait4 waitid getpid gettid exit exit_group"),
    Group(
        "run an interpreter",
        "brk mmap munmap mremap mprotect madvise futex rt_sigaction rt_sigprocmask rt_sigreturn"
        " sigaltstack restart_syscall getrandom clock_gettime sched_yield",
    ),
)
