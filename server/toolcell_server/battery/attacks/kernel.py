"""
K: the surface of the kernel.

Theory of operation.  A system call that was let through leaves no mark on the host, and must not:
its arguments are such that the kernel turns them down.  What is seen is its answer, which the
hostile code tells (`toolcell_worker.battery.knocking`): "refused" where the filter answered,
"reached" where the kernel's own code did.  Who says nothing at all has proved nothing, and that is
harm as well.  Calls by foreign numbers must not be answered: they end the cell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery.attack import Attack, Traces, generic_harm

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground

COMPLETED: Final = frozenset({"completed"})
KILLED: Final = frozenset({"violated:seccomp"})
MOST: Final = 8  # arbitrary; what let one call through mostly let through others


def unplanned(_ground: Ground) -> dict[str, Any]:
    """
    The hostile code needs to know nothing.
    """
    return {}


def let_through(ground: Ground, traces: Traces) -> list[str]:
    """
    The answers of the kernel's own code, and what was harmed besides.
    """
    reached = dict.fromkeys(re.findall(r"reached: [^\"\n]*", traces.text))
    harm = [*generic_harm(ground, traces), *list(reached)[:MOST]]
    if not harm and traces.outcome == "completed" and "refused: " not in traces.text:
        harm.append("it does not say what it tried")
    return harm


def _attack(catalogue_id: str, function: str, promise: str, **further: Any) -> Attack:
    module, _, name = function.rpartition(".")
    fields = {"plan": unplanned, "harm": let_through, "endings": COMPLETED, **further}
    return Attack(id=catalogue_id, name=name, module=module, promise=promise, **fields)


def _old_open(ground: Ground) -> dict[str, Any]:
    return {"path": ground.plant("readable.txt")}


ATTACKS: Final = (
    _attack("K1", "kernel.open_an_io_uring", "no request reaches the kernel past the filter"),
    _attack("K2", "kernel.load_a_bpf_program", "no program and no map is put into the kernel"),
    _attack("K2", "kernel.hang_a_filter_on_a_socket", "no socket takes a program either"),
    _attack("K3", "kernel.handle_page_faults", "no page fault is handled in a cell"),
    _attack("K4", "kernel.leave_a_key_behind", "no key is left for others, or found"),
    _attack("K4", "kernel.join_a_keyring", "no keyring is shared with anybody"),
    _attack("K5", "kernel.count_performance_events", "no counter of the processor is read"),
    _attack(
        "K6",
        "kernel_namespaces.become_root_of_a_user_namespace",
        "nobody becomes root of a namespace of his own",
    ),
    _attack("K6", "kernel_namespaces.unshare_every_namespace", "no namespace is left"),
    _attack("K6", "kernel_namespaces.join_a_namespace", "no namespace is joined"),
    _attack(
        "K6",
        "kernel_namespaces.clone_into_new_namespaces",
        "children, where there may be any, are born into the namespaces of the cell",
        programs=True,
    ),
    _attack(
        "K6",
        "kernel_namespaces.clone_by_the_newer_call",
        "flags that lie in memory ask for nothing",
        programs=True,
    ),
    _attack("K7", "kernel_namespaces.mount_by_the_old_calls", "nothing is mounted or unmounted"),
    _attack("K7", "kernel_namespaces.mount_by_the_new_calls", "nor by the newer calls"),
    _attack(
        "K8",
        "kernel_machine.hand_the_kernel_over",
        "no module is loaded, no other kernel, and nothing restarts",
        needs_root=True,
    ),
    _attack("K8", "kernel_machine.swap_to_a_file", "no memory is swapped where a tool can read"),
    _attack("K8", "kernel_machine.set_the_clock", "no clock is set"),
    _attack("K9", "kernel_machine.type_into_the_terminal", "nothing is typed for the operator"),
    _attack(
        "K10",
        "kernel_machine.lay_memory_out_predictably",
        "addresses stay random, and data stays data",
    ),
    _attack(
        "K10",
        "kernel_machine.change_the_descriptor_table",
        "no segment is described, and no port of the hardware opened",
    ),
    _attack(
        "K11",
        "kernel_machine.call_by_the_old_interrupt",
        "a call by 32-bit numbers ends the cell, unanswered",
        endings=KILLED,
    ),
    _attack(
        "K11",
        "kernel_machine.open_a_file_by_the_old_interrupt",
        "a file is not opened by 32-bit numbers",
        plan=_old_open,
        endings=KILLED,
    ),
    _attack(
        "K11",
        "kernel_machine.call_by_x32_numbers",
        "a call by x32 numbers ends the cell, unanswered",
        endings=KILLED,
    ),
    _attack("K12", "kernel.answer_for_the_filter", "nobody answers for the filter"),
    _attack("K12", "kernel.pile_up_landlock_rulesets", "no ruleset is made in a cell"),
    _attack("K13", "kernel_namespaces.open_a_tree", "no mount is opened as a tree"),
    _attack("K13", "kernel_namespaces.watch_the_whole_file_system", "no file system is watched"),
    _attack("K13", "kernel_namespaces.change_quotas", "no quota is asked for or changed"),
    _attack(
        "K13",
        "kernel_namespaces.account_for_processes",
        "the accounts and the log of the kernel stay closed",
        needs_root=True,
    ),
    _attack("K14", "kernel.compare_processes", "no addresses of the kernel are compared"),
    _attack("K14", "kernel.advise_other_processes", "no memory of others is read or taken away"),
    _attack("K14", "kernel.move_pages_between_nodes", "no page is moved"),
    _attack("K15", "kernel.be_traced", "nobody is traced, not even at his own wish"),
    _attack(
        "K16", "kernel_sockets.compute_by_the_kernels_ciphers", "the kernel's ciphers stay out"
    ),
    _attack("K16", "kernel_sockets.talk_to_the_hypervisor", "nothing reaches the hypervisor"),
    _attack("K16", "kernel_sockets.ask_for_interfaces_by_netlink", "netlink answers nobody"),
    _attack("K16", "kernel_sockets.see_packets", "nobody sees packets"),
    _attack("K16", "kernel_sockets.send_raw_packets", "nobody makes packets"),
    _attack("K16", "kernel_sockets.try_every_odd_family", "no odd family loads its module"),
    _attack("K16", "kernel_sockets.try_odd_transports", "nor does an odd transport"),
    _attack(
        "K16",
        "kernel_sockets.make_a_datagram_pair",
        "no socket can be made that sends to a path of its choice",
    ),
)
