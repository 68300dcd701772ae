"""
The first file system of the machine: a busybox, and the modules that reach the disk.
"""

from __future__ import annotations

import lzma
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kernels.packages import Kernel

INIT: Final = Path(__file__).parent / "guest" / "first"
# In the order in which they need each other.
MODULES: Final = (
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_blk",
    "ext4",
    "overlay",  # not for the disk: an attack mounts one
)
SUFFIXES: Final = (".ko", ".ko.xz")


def build(kernel: Kernel, busybox: Path, folder: Path) -> Path:
    """
    The initramfs for that kernel, made anew.
    """
    stage = folder / f"initramfs-{kernel.name}"
    shutil.rmtree(stage, ignore_errors=True)
    for part in ("bin", "dev", "proc", "sys", "root", "modules"):
        (stage / part).mkdir(parents=True)
    shutil.copy(busybox, stage / "bin/busybox")
    (stage / "bin/sh").symlink_to("busybox")
    shutil.copy(INIT, stage / "init")
    (stage / "init").chmod(0o755)
    for number, name in enumerate(MODULES):
        if (content := _module(kernel, name)) is not None:
            (stage / f"modules/{number}-{name}.ko").write_bytes(content)
    archive = folder / f"initramfs-{kernel.name}.cpio"
    names = "\n".join(str(path.relative_to(stage)) for path in sorted(stage.rglob("*")))
    command = ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"]
    with archive.open("wb") as file:
        subprocess.run(
            command, cwd=stage, input=names.encode(), stdout=file, check=True, timeout=60
        )
    return archive


def _module(kernel: Kernel, name: str) -> bytes | None:
    """
    The module, or nothing where it is part of the kernel.

    Raises:
        FileNotFoundError: the kernel has it in neither way.
    """
    for folder, _, files in os.walk(kernel.modules):
        for suffix in SUFFIXES:
            if f"{name}{suffix}" in files:
                content = (Path(folder) / f"{name}{suffix}").read_bytes()
                return lzma.decompress(content) if suffix == ".ko.xz" else content
    builtin = (kernel.modules / "modules.builtin").read_text().split()
    if any(line.endswith(f"/{name}.ko") for line in builtin):
        return None
    raise FileNotFoundError(f"{kernel.release} has no {name}")
