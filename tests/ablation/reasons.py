"""
Why attacks on files, other processes or secrets may rest on one wall.
"""

from __future__ import annotations

_SAME_CELL = (
    "What it gains is what its own Python code has already: the same cell, behind the same walls."
)
_STAT = (
    "No Landlock ABI covers stat(2), and modes do not hide a file in a folder that anybody may"
    " search. Sizes and times get out, contents do not."
)
_WORLD = (
    "A pid namespace is the one thing that ends every process for certain. That it is a new one is"
    " verified by its inode in every cell, which ends if it is not (`walls/namespaces.py`)."
)
_LINK = (
    "Only Landlock tells a link from a file by where it is made. The service never follows one; who"
    " else does so in a folder that tools may write is the operator's to know."
)
_SET_ID = (
    "No Landlock ABI covers chmod(2), and a mount option holds for the cell's mount alone, not for"
    " the host's view of the same file."
)
_EARLIER = (
    "The scratch of a call is gone with its mount namespace. Started by root, the next calls have"
    " other ids than the one that owns what was left; started by a user, there is one id."
)
_CLEAN = (
    "Two mechanisms, of which either is enough, count as this one wall: a zygote is executed with"
    " nothing of the service's, and each cell drops what its zygote has beyond its grant."
)
_THREADS = (
    "The kernel refuses threads by RLIMIT_NPROC only; the watchdog ends the cell, but at its next"
    " look, when there were more."
)
_ROOTS_THREADS = (
    "The kernel does not count the threads of root (getrlimit(2), RLIMIT_NPROC); the watchdog ends"
    " the cell, but at its next look, when there were more."
)
_OWN_LIMIT = (
    "How many descriptors one process may have, only its own limit says; seccomp lets it be lowered"
    " further. What it gains is more open files of its own."
)
_PEER = (
    "The number and the handle of the service are two things, and each is hidden by one wall. With"
    " either, signals stay behind Landlock and identity, and its memory behind seccomp as well."
)
_WATCHING = (
    "No Landlock ABI covers inotify. What could be watched is what a cell may read, the runtime:"
    " that somebody opened a library gets out."
)
_KEYS = (
    "System V objects are behind the ipc wall, too. A key belongs to a user: started by root, the"
    " next calls have other ids than the one that owns it; started by a user, there is one id."
)
_NAMES = (
    "Each name of the host has one place where it is hidden: the uts namespace, and /proc, which"
    " cells do not have. A name opens nothing."
)
_PATHS = "The path tells where a folder lies, and opens nothing: behind it are mounts and Landlock."

# (wall, attack): why no second wall stands behind it.
REASONS: dict[tuple[str, str], str] = {
    ("hostname", "learn_where_it_runs"): _NAMES,
    ("mounts", "learn_paths_from_errors"): _PATHS,
    ("mounts", "learn_where_it_runs"): _NAMES,
    ("processes", "identify_the_peer_of_a_socket"): _PEER,
    ("identity", "start_threads_without_end"): _ROOTS_THREADS,
    ("processes", "fork_without_end"): _WORLD,
    ("processes", "leave_a_program"): _WORLD,
    ("processes", "stay_after_being_cancelled"): _WORLD,
    ("processes", "stop_and_go"): _WORLD,
    ("processes", "stop_itself"): _WORLD,
    ("rlimits", "raise_its_limits"): _OWN_LIMIT,
    ("rlimits", "start_threads_without_end"): _THREADS,
    ("seccomp", "find_in_system_objects"): _KEYS,
    ("seccomp", "identify_the_peer_of_a_socket"): _PEER,
    ("seccomp", "watch_what_others_open"): _WATCHING,
    ("descriptors", "read_descriptors_that_were_left_open"): _CLEAN,
    ("environment", "read_the_environment_of_the_service"): _CLEAN,
    ("landlock", "plant_a_link_in_a_granted_folder"): _LINK,
    ("mounts", "find_what_an_earlier_call_left"): _EARLIER,
    ("mounts", "measure_a_file_beside_a_granted_one"): _STAT,
    ("mounts", "run_a_program_by_the_loader"): _SAME_CELL,
    ("processes", "end_before_its_children"): _WORLD,
    ("processes", "fork_along_a_chain"): _WORLD,
    ("processes", "hold_the_pipes"): _WORLD,
    ("processes", "leave_a_daemon"): _WORLD,
    ("processes", "leave_its_parent"): _WORLD,
    ("seccomp", "leave_a_program_that_runs_as_its_owner"): _SET_ID,
    ("seccomp", "run_a_program_from_memory"): _SAME_CELL,
    ("seccomp", "trace_its_own_child"): _SAME_CELL,
}
