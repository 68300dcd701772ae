"""
Debian's cloud kernels, and a static busybox to boot them with: fetched, unpacked, never installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KERNELS: Final = {
    "6.1": r"^linux-image-6\.1\.[0-9.-]+-cloud-amd64$",
    "6.12": r"^linux-image-6\.12\.[0-9.]+\+deb12-cloud-amd64$",
}
PROGRAMS: Final = {  # program: Debian package
    "qemu-system-x86_64": "qemu-system-x86",
    "mkfs.ext4": "e2fsprogs",
    "cpio": "cpio",
    "dpkg-deb": "dpkg",
    "tar": "tar",
}
INSTALL: Final = "TOOLCELL_INSTALL_PACKAGES"


class Missing(Exception):  # noqa: N818  # names what happened
    """
    Raised when something is needed that is not here; says what, and how to get it.
    """


@dataclass(frozen=True, slots=True)
class Kernel:
    """
    A kernel package, unpacked: its image, and the folder of its modules.
    """

    name: str
    release: str
    image: Path
    modules: Path


def need_programs() -> None:
    """
    Make sure that what builds and runs the machine is installed.

    Raises:
        Missing: it is not, and we were not asked to install it or cannot.
    """
    lacking = sorted(package for program, package in PROGRAMS.items() if not shutil.which(program))
    if not lacking:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *lacking]
    if os.geteuid() == 0 and os.environ.get(INSTALL):
        subprocess.run(command, check=True, timeout=600)
        return
    raise Missing(
        f"missing packages: {' '.join(lacking)}; as root run `{' '.join(command)}`, or set"
        f" {INSTALL}=1 as root to have it run"
    )


def kernel(version: str, folder: Path) -> Kernel:
    """
    Debian's newest cloud kernel of that version.

    Raises:
        Missing: it is neither in `folder` nor to be had.
    """
    unpacked = _unpacked(f"linux-image-{version}.", KERNELS[version], folder, folder / version)
    image = next((unpacked / "boot").glob("vmlinuz-*"))
    release = image.name.removeprefix("vmlinuz-")
    return Kernel(version, release, image, unpacked / "lib/modules" / release)


def busybox(folder: Path) -> Path:
    """
    A busybox that needs no library.

    Raises:
        Missing: it is neither in `folder` nor to be had.
    """
    return (
        _unpacked("busybox-static_", "busybox-static", folder, folder / "busybox") / "bin/busybox"
    )


def _unpacked(prefix: str, name: str, folder: Path, target: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob(f"{prefix}*.deb")):
        _download(_newest(name) if name.startswith("^") else name, folder)
    if not target.is_dir():
        package = max(folder.glob(f"{prefix}*.deb"), key=lambda path: path.stat().st_mtime)
        half = target.with_name(f"{target.name}.half")
        shutil.rmtree(half, ignore_errors=True)
        _run(("dpkg-deb", "-x", str(package), str(half)), folder)
        half.rename(target)
    return target


def _newest(pattern: str) -> str:
    if not shutil.which("apt-cache"):
        raise Missing(f"no apt here: put a package {pattern} into .cache/kernels")
    found = _run(("apt-cache", "search", "--names-only", pattern), None).split("\n")
    names = [line.split()[0] for line in found if line]
    if not names:
        raise Missing(f"apt knows no package {pattern}: run `apt-get update` on Debian bookworm")
    return max(names, key=lambda name: [int(part) for part in _numbers(name)])


def _numbers(name: str) -> list[str]:
    return "".join(c if c.isdigit() else " " for c in name).split()


def _download(package: str, folder: Path) -> None:
    try:
        _run(("apt-get", "--quiet", "download", package), folder)
    except (OSError, subprocess.CalledProcessError) as exc:
        raise Missing(
            f"the package {package} could not be fetched: put its .deb into {folder}"
        ) from exc


def _run(command: Sequence[str], folder: Path | None) -> str:
    done = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, timeout=600
    )
    return done.stdout
