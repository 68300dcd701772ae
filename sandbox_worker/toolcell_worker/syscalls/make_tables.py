"""
Writes `wire/system_calls.py` from the kernel's headers: `python make_tables.py`.

A developer's program, run when newer headers are at hand; nothing imports it.  The C preprocessor
resolves the headers' conditions, so it needs a C compiler and linux-libc-dev (or linux-headers).
x86_64 has a table of its own, aarch64 is the generic one with a few older calls, as its
<asm/unistd.h> asks for.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

TARGET = Path(__file__).parents[1] / "wire" / "system_calls.py"
SOURCES = {
    "X86_64": ("asm/unistd_64.h", ()),
    "AARCH64": (
        "asm-generic/unistd.h",
        (
            "__ARCH_WANT_MEMFD_SECRET",
            "__ARCH_WANT_NEW_STAT",
            "__ARCH_WANT_RENAMEAT",
            "__ARCH_WANT_SET_GET_RLIMIT",
            "__ARCH_WANT_SYS_CLONE3",
        ),
    ),
}
# Not system calls: marks of ranges.
NO_CALLS = {"syscalls", "arch_specific_syscall", "sync_file_range2"}
DEFINITION = re.compile(r"#define (__NR(?:3264)?_\w+) (\w+)$")
CALL = "__NR_"
WIDTH = 100
HEADING = '''"""
Numbers of the system calls; written by `syscalls/make_tables.py` from the kernel's headers.
"""
'''


def read(header: str, wanted: tuple[str, ...]) -> dict[str, int]:
    """
    Name and number of every system call that a header defines, in the order of the numbers.
    """
    command = ["cc", "-E", "-dM", *(f"-D{name}" for name in wanted), "-"]
    source = f"#include <{header}>\n"
    made = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
    values = {}
    for line in made.stdout.splitlines():
        if match := DEFINITION.match(line):
            values[match[1]] = match[2]
    names = {macro.removeprefix(CALL): macro for macro in values if macro.startswith(CALL)}
    calls = [(_resolve(names[name], values), name) for name in names.keys() - NO_CALLS]
    return {name: number for number, name in sorted(calls)}


def _resolve(macro: str, values: dict[str, str]) -> int:
    """
    The number of a macro; some stand for another one (`__NR_lseek` for `__NR3264_lseek`).
    """
    while not macro.isdecimal():
        macro = values[macro]
    return int(macro)


def render(tables: dict[str, dict[str, int]]) -> str:
    """
    The tables as Python, several entries a line: nobody reads them one by one.
    """
    text = HEADING
    for machine, table in tables.items():
        text += f"\n# fmt: off\n{machine} = {{\n"
        line = "   "
        for name, number in table.items():
            entry = f' "{name}": {number},'
            if len(line) + len(entry) > WIDTH:
                text, line = f"{text}{line}\n", "   "
            line += entry
        text += f"{line}\n}}\n# fmt: on\n"
    return text


if __name__ == "__main__":
    found = {machine: read(*source) for machine, source in SOURCES.items()}
    TARGET.write_text(render(found))
