"""
The machine's disks: a small system made from the running one, and the working tree.

Theory of operation.  The system is Debian's: the files of a few installed packages and of all that
they depend on, as dpkg lists them, without documentation; and a virtual environment with what
the project and its tests need, made by pip for the same /usr/bin/python3.  It is made once, and
again when one of its ingredients changes.  The working tree is small and changes: it gets a disk of
its own at every run.  `mkfs.ext4 -d` fills both, so that nothing is ever mounted here.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kernels.packages import Missing

if TYPE_CHECKING:
    from collections.abc import Sequence

TREE: Final = "/opt/toolcell/tree"  # where the working tree lies in the machine
ENVIRONMENT: Final = "/opt/toolcell/environment"
PACKAGES: Final = (
    *("bash", "coreutils", "dash", "findutils", "grep", "sed", "mawk", "diffutils", "util-linux"),
    *("mount", "procps", "iproute2", "hostname", "libc-bin", "base-files", "base-passwd", "tar"),
    *("gzip", "passwd", "login", "tzdata", "ca-certificates"),
    *("python3", "libpython3-stdlib", "python3-venv", "python3-distutils"),
    # What wheels and _ctypes, _sqlite3 and _ssl link to.
    *("libstdc++6", "libgcc-s1", "libffi8", "libsqlite3-0", "libssl3"),
)
LEFT_OUT: Final = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/info/")
MERGED: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
ROOMS: Final = ("proto", "server", "client", "sandbox_worker")
PARTS: Final = (*ROOMS, "tests", "docs", "pyproject.toml", "README.md", "Makefile", "LICENSE")
PYTHON: Final = "/usr/bin/python3"
SYSTEM_MEBIBYTES: Final = 1536
TREE_MEBIBYTES: Final = 192


def system(root: Path, busybox: Path, folder: Path) -> Path:
    """
    The disk with the system; made if it is not there or out of date.

    Raises:
        Missing: this host is no Debian, or lacks its Python.
    """
    packages = sorted(_closure(PACKAGES))
    image, stamp = folder / "system.ext4", folder / "system.stamp"
    made_of = hashlib.sha256()
    for ingredient in (*packages, Path(__file__).read_text(), _project(root)):
        made_of.update(ingredient.encode() + b"\n")
    if image.exists() and stamp.exists() and stamp.read_text() == made_of.hexdigest():
        return image
    stamp.unlink(missing_ok=True)
    stage = folder / "system"
    shutil.rmtree(stage, ignore_errors=True)
    _copy_packages(packages, stage)
    shutil.copy(busybox, stage / "usr/bin/busybox")
    _settle(stage)
    _install(root, stage)
    _compile(stage, "usr/lib/python3.11", "usr/lib/python3", ENVIRONMENT[1:])
    _format(stage, image, SYSTEM_MEBIBYTES)
    shutil.rmtree(stage)
    stamp.write_text(made_of.hexdigest())
    return image


def tree(root: Path, plan: str, folder: Path) -> Path:
    """
    The disk with the working tree and the plan, made anew.
    """
    stage, image = folder / "tree", folder / "tree.ext4"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "node_modules")
    for part in PARTS:
        if (root / part).is_dir():
            shutil.copytree(root / part, stage / part, symlinks=True, ignore=ignored)
        elif (root / part).exists():
            shutil.copy2(root / part, stage / part)
    (stage / "plan").write_text(plan)
    _compile(stage, ".", prefix=TREE)
    _format(stage, image, TREE_MEBIBYTES)
    shutil.rmtree(stage)
    return image


def _project(root: Path) -> str:
    """
    The lines of pyproject.toml that say what is to be installed.
    """
    text = (root / "pyproject.toml").read_text()
    return text[: text.index("[tool.")]


def _closure(wanted: Sequence[str]) -> set[str]:
    """
    These packages and what they depend on, as far as they are installed here.
    """
    if not shutil.which("dpkg-query") or not Path(PYTHON).exists():
        raise Missing("the machine's system is made of a Debian's files: this is not one")
    layout = "${Package}\t${Provides}\t${Depends}, ${Pre-Depends}\n"
    needs: dict[str, list[str]] = {}
    provides: dict[str, str] = {}
    for line in _output("dpkg-query", "-W", "-f", layout).splitlines():
        name, provided, depends = line.split("\t")
        needs[name] = _names(depends)
        provides.update(dict.fromkeys(_names(provided), name))
    found: set[str] = set()
    pending = list(wanted)
    while pending:
        name = pending.pop()
        name = name if name in needs else provides.get(name, "")
        if name and name not in found:
            found.add(name)
            pending += needs[name]
    return found


def _names(field: str) -> list[str]:
    """
    The names of packages in a field like `libc6 (>= 2.36), a | b`.
    """
    parts = [part.strip() for group in field.split(",") for part in group.split("|")]
    return [re.split(r"[ (:]", part)[0] for part in parts if part]


def _copy_packages(packages: Sequence[str], stage: Path) -> None:
    for name in MERGED:
        (stage / "usr" / name).mkdir(parents=True)
        (stage / name).symlink_to(f"usr/{name}")
    listed = sorted(set(_output("dpkg", "-L", *packages).splitlines()))
    wanted = [
        path
        for path in listed
        if path.startswith("/") and not path.startswith(LEFT_OUT) and os.path.lexists(path)
    ]
    wanted = [path for path in wanted if path[1:] not in MERGED and _may_read(path)]
    names = "\0".join(path[1:] or "." for path in wanted).encode()
    pack = ["tar", "-C", "/", "--no-recursion", "--null", "-T", "-", "-c"]
    unpack = ["tar", "-C", str(stage), "--keep-directory-symlink", "-x"]
    packed = subprocess.run(pack, input=names, check=True, capture_output=True, timeout=300)
    subprocess.run(unpack, input=packed.stdout, check=True, timeout=300)


def _may_read(path: str) -> bool:
    return os.path.islink(path) or os.access(path, os.R_OK)


def _settle(stage: Path) -> None:
    """
    What no package brings: places to mount on, users, links that Debian makes when it installs.
    """
    for part in ("proc", "sys", "dev", "run", "tmp", "root", "home/user", TREE[1:]):
        (stage / part).mkdir(parents=True, exist_ok=True)
    etc = stage / "etc"
    (etc / "passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    )
    (etc / "group").write_text("root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n")
    (etc / "hosts").write_text("127.0.0.1 localhost a-machine-for-tests\n::1 localhost\n")
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    for name in ("awk", "localtime", "ld.so.cache", "alternatives/awk"):
        source = Path("/etc") / name
        if source.exists() and not (etc / name).exists():
            (etc / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, etc / name)
    if not os.path.lexists(stage / "usr/bin/awk"):
        (stage / "usr/bin/awk").symlink_to("mawk")
    if not os.path.lexists(stage / "usr/bin/sh"):
        (stage / "usr/bin/sh").symlink_to("dash")
    if os.geteuid() == 0:
        os.chown(stage / "home/user", 1000, 1000)


def _install(root: Path, stage: Path) -> None:
    """
    The virtual environment, made here and moved to where it lies in the machine.
    """
    environment = stage / ENVIRONMENT[1:]
    _output(PYTHON, "-m", "venv", str(environment))
    quiet = ("--quiet", "--disable-pip-version-check", "--no-compile")
    wanted = (f"{root}[server]", "grpcio-tools", "pytest", "pytest-timeout")
    _output(
        str(environment / "bin/python"), "-m", "pip", "install", *quiet, "-e", *wanted, seconds=900
    )
    rooms = "".join(f"{TREE}/{room}\n" for room in ROOMS)
    for link in environment.glob("lib/python3*/site-packages/_*.pth"):
        link.write_text(rooms)
    for script in (environment / "bin").iterdir():
        if script.is_file() and not script.is_symlink():
            text = script.read_text()
            script.write_text(text.replace(str(stage), ""))


def _compile(stage: Path, *folders: str, prefix: str = "/") -> None:
    """
    Byte code, which is dear to make in an emulated machine.
    """
    command = ["-m", "compileall", "-q", "-j", "0", "-s", str(stage), "-p", prefix]
    places = [str(stage / folder) for folder in folders if (stage / folder).is_dir()]
    subprocess.run(
        [PYTHON, *command, *places],
        check=False,  # some files are broken on purpose
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=600,
    )


def _format(stage: Path, image: Path, mebibytes: int) -> None:
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(mebibytes * 2**20)
    _output("mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", "-d", str(stage), str(image))


def _output(*command: str, seconds: float = 300) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=seconds, env=_environment()
    )
    if done.returncode != 0:
        raise Missing(f"{' '.join(command[:4])} … failed: {done.stderr[-2000:]}")
    return done.stdout


def _environment() -> dict[str, str]:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return {**os.environ, "PATH": path, "PYTHONPATH": "", "LC_ALL": "C.UTF-8"}
