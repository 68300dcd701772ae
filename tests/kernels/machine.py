"""
A machine that boots one kernel, runs one plan, and switches itself off.

The processor is emulated, 10 to 20 times slower than this host's, because that works everywhere: a
host that is itself a guest may offer KVM and then fail in it.  TOOLCELL_KVM=1 asks for KVM.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from kernels.packages import Kernel

MARK: Final = "@@ "
BOOT_SECONDS: Final = 180.0  # arbitrary; an emulated boot takes about ten


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """
    One line of a plan: run as `user` (root or user) in a control group of its own.
    """

    name: str
    user: str
    seconds: int
    line: str

    def __str__(self) -> str:
        return f"{self.name} {self.user} {self.seconds} {self.line}"


@dataclass(slots=True)
class Ending:
    """
    What a command said and how it ended.  No code: the machine ended first.  `left` counts the
    processes and the control groups below its own that it left behind.
    """

    output: str = ""
    code: int | None = None
    left: str = ""


@dataclass(slots=True)
class Report:
    """
    What a machine reported.
    """

    release: str = ""
    endings: dict[str, Ending] = field(default_factory=dict)
    done: bool = False


def acceleration() -> tuple[str, ...]:
    """
    What qemu is told of the processor.
    """
    if os.environ.get("TOOLCELL_KVM"):
        return ("-accel", "kvm", "-cpu", "host")
    return ("-accel", "tcg,thread=multi", "-cpu", "max")


def run(
    kernel: Kernel, initramfs: Path, disks: tuple[Path, Path], plan: list[Command], folder: Path
) -> Report:
    """
    Boot, run the plan, and read what came out.  What the kernel says lies in `folder` afterwards.
    """
    console, results = folder / f"console-{kernel.name}.log", folder / f"results-{kernel.name}.log"
    results.write_bytes(b"")
    command = [
        *("qemu-system-x86_64", *acceleration(), "-smp", "2", "-m", "3G", "-no-reboot"),
        *("-display", "none", "-monitor", "none", "-nic", "none"),
        *("-kernel", str(kernel.image), "-initrd", str(initramfs)),
        *("-append", "console=ttyS0 quiet panic=-1 net.ifnames=0"),
        *("-serial", f"file:{console}", "-serial", f"file:{results}"),
    ]
    for disk in disks:  # what is written to them is forgotten
        command += ["-drive", f"file={disk},format=raw,if=virtio,snapshot=on"]
    seconds = BOOT_SECONDS + sum(one.seconds + 30 for one in plan)
    with (folder / f"qemu-{kernel.name}.log").open("wb") as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        try:
            _follow(process, results, time.monotonic() + seconds)
        finally:
            process.kill()
            process.wait()
    return read(results.read_text(errors="replace"))


def _follow(process: subprocess.Popen[bytes], results: Path, until: float) -> None:
    """
    Say what begins and ends, until the machine is off or its time is over.
    """
    told = 0
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
        marks = [
            line
            for line in results.read_text(errors="replace").splitlines()
            if line.startswith((f"{MARK}BEGIN", f"{MARK}END"))
        ]
        for mark in marks[told:]:
            print(f"  {time.strftime('%H:%M:%S')} {mark[3:]}", file=sys.stderr, flush=True)
        told = len(marks)


def read(text: str) -> Report:
    """
    The report in what came out of the second serial port.
    """
    report = Report()
    current: Ending | None = None
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.startswith(MARK):
            if current is not None:
                current.output += f"{line}\n"
            continue
        word, *rest = line.removeprefix(MARK).split(" ", 2)
        if word == "KERNEL":
            report.release = rest[0]
        elif word == "BEGIN":
            current = report.endings[rest[0]] = Ending()
        elif word == "LEFT":
            report.endings[rest[0]].left = rest[1]
        elif word == "END":
            report.endings[rest[0]].code = int(rest[1])
            current = None
        report.done |= word == "DONE"
    return report
