"""
Which system calls are file operations, and use up a budget of them.

Those that open, create, remove, rename, link or change a file by its name: open, openat and creat;
mkdir, rmdir, unlink, rename, link and symlink in all their forms; truncate, chmod and utime by
name.  Not those that only ask (stat, access, readlink, getdents), nor what is done with a file
that is open.  A call counts when it is made, whatever comes of it.
"""

from __future__ import annotations

_NAMES = """
    open openat creat mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat
    symlink symlinkat truncate chmod fchmodat utime utimes futimesat utimensat
"""
FILE_OPERATIONS = frozenset(_NAMES.split())
