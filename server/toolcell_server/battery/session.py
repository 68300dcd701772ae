"""
What all runs of a battery share: the operator's roots, and what a careless service would leak.

Theory of operation.  Policy is fixed when a server starts, so its roots are too; each run gets a
fresh folder in them.  The server's own environment holds a secret, and it has a folder, a file
and a socket open without close-on-exec: whatever we start carelessly inherits them, as the control
does on purpose.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Self

from toolcell_server.battery.internet import Internet

SECRET_VARIABLE = "TOOLCELL_BATTERY_SECRET"  # noqa: S105  # a name


class Session:
    """
    The temporary folder of a battery; a context manager that removes it.

    `root` is the operator's folder, `evil` lies beside it and its name begins like the root's.
    `linked` is an operator's folder by a link, whose target has the secret in its name.  `internet`
    is what tools may be granted hosts of.
    """

    def __init__(self) -> None:
        self.secret = secrets.token_hex(16)
        self.folder = tempfile.mkdtemp(prefix="toolcell-battery-")
        Path(self.folder).chmod(0o755)
        self.root, self.evil, self.linked = (
            f"{self.folder}/{name}" for name in ("root", "root-evil", "linked")
        )
        real = Path(self.folder, f"real-{self.secret}")
        for path in (Path(self.root), Path(self.evil), real):
            path.mkdir()
        Path(self.linked).symlink_to(real)
        file = Path(self.folder, "open.txt")
        file.write_text(self.secret)
        self._ours, self._theirs = socket.socketpair()
        self.inherited = (
            os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY),
            os.open(file, os.O_RDWR),
            self._theirs.fileno(),
        )
        for descriptor in self.inherited:
            os.set_inheritable(descriptor, True)
        os.environ[SECRET_VARIABLE] = self.secret
        self.internet = Internet(Path(self.folder, "internet"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.environ.pop(SECRET_VARIABLE, None)
        self.internet.close()
        for descriptor in self.inherited[:2]:
            os.close(descriptor)
        self._ours.close()
        self._theirs.close()
        shutil.rmtree(self.folder, ignore_errors=True)
