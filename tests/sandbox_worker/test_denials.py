from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import urllib.error
from typing import TYPE_CHECKING, Any

import pytest
from performing import grant
from toolcell_worker import denials, witness
from toolcell_worker.wire import Access, Mount

if TYPE_CHECKING:
    from pathlib import Path

READ, WRITE = Access.READ, Access.WRITE


@pytest.fixture(autouse=True)
def _watched() -> None:
    witness.install()
    witness.watch()


def granted(**paths: Access) -> Any:
    mounts = [
        Mount(access, "/" + name.replace("__", "/"), "/srv", directory=True, given=True)
        for name, access in paths.items()
    ]
    return grant(mounts=tuple(mounts))


def shown(exc: BaseException, cell: Any = None) -> list[tuple[str, str, str, str]]:
    found = denials.find(exc, cell or grant())
    return [(d.wall, d.operation, d.target, d.reason) for d in found]


PATHS: dict[str, tuple[OSError, list[tuple[str, str, str, str]]]] = {
    "a file that was not granted has no name in the cell": (
        FileNotFoundError(errno.ENOENT, "No such file", "/srv/secret"),
        [("mounts", "open", "/srv/secret", "not_granted")],
    ),
    "a missing file beneath a grant is only missing": (
        FileNotFoundError(errno.ENOENT, "No such file", "/srv/read/none"),
        [],
    ),
    "a missing file in the private directory is only missing": (
        FileNotFoundError(errno.ENOENT, "No such file", "/tmp/none"),
        [],
    ),
    "a file in a folder of the host's /tmp has no name in the cell": (
        FileNotFoundError(errno.ENOENT, "No such file", "/tmp/no/such/none"),
        [("mounts", "open", "/tmp/no/such/none", "not_granted")],
    ),
    "a missing file of the runtime is only missing": (
        FileNotFoundError(errno.ENOENT, "No such file", "/usr/lib/none"),
        [],
    ),
    "a name that begins like a grant is not beneath it": (
        FileNotFoundError(errno.ENOENT, "No such file", "/srv/read-evil"),
        [("mounts", "open", "/srv/read-evil", "not_granted")],
    ),
    "dots are resolved before judging": (
        FileNotFoundError(errno.ENOENT, "No such file", "/srv/read/../x"),
        [("mounts", "open", "/srv/x", "not_granted")],
    ),
    "a read-only mount": (
        OSError(errno.EROFS, "Read-only file system", "/usr/x"),
        [("mounts", "open", "/usr/x", "read_only")],
    ),
    "a path that Landlock hides": (
        PermissionError(errno.EACCES, "Permission denied", "/run"),
        [("landlock", "open", "/run", "not_granted")],
    ),
    "a file of a grant that this identity may not read": (
        PermissionError(errno.EACCES, "Permission denied", "/srv/read/private"),
        [("identity", "open", "/srv/read/private", "not_allowed")],
    ),
    "a path in bytes": (
        FileNotFoundError(errno.ENOENT, "No such file", b"/srv/secret"),
        [("mounts", "open", "/srv/secret", "not_granted")],
    ),
    "an error that is no denial": (IsADirectoryError(errno.EISDIR, "Is a directory", "/srv"), []),
}


@pytest.mark.parametrize(("exc", "expected"), PATHS.values(), ids=PATHS)
def test_a_path_is_judged_by_what_was_granted(exc: OSError, expected: Any) -> None:
    """
    "No such file" alone sends a model looking for a typing error.
    """
    assert shown(exc, granted(srv__read=READ, srv__write=WRITE)) == expected


def test_writing_to_a_grant_to_read_is_told_from_being_refused_altogether(
    tmp_path: Path,
) -> None:
    """
    The errors are the same; what was tried differs, and so does the remedy.
    """
    path = str(tmp_path / "file")
    cell = grant(mounts=(Mount(READ, path, str(tmp_path), directory=False, given=True),))
    with contextlib.suppress(OSError), open(path, "r+"):  # is not there
        pass
    refused = PermissionError(errno.EACCES, "Permission denied", path)

    assert shown(refused, cell) == [("landlock", "open", path, "read_only")]


def test_removing_from_a_grant_to_read_is_read_only(tmp_path: Path) -> None:
    """
    Not only opening changes files.
    """
    path = str(tmp_path / "file")
    cell = grant(mounts=(Mount(READ, str(tmp_path), str(tmp_path), directory=True, given=True),))
    with contextlib.suppress(OSError):
        os.remove(path)  # is not there
    refused = PermissionError(errno.EACCES, "Permission denied", path)

    assert shown(refused, cell) == [("landlock", "remove", path, "read_only")]


def attempt_socket() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()


def attempt_connect() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.1", 9))


def attempt_to_resolve() -> None:
    with contextlib.suppress(OSError):
        socket.getaddrinfo("192.0.2.1", 443)


def attempt_fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


NAMELESS: dict[str, tuple[Any, OSError, tuple[str, str, str, str]]] = {
    "a socket": (
        attempt_socket,
        PermissionError(errno.EPERM, "Operation not permitted"),
        ("seccomp", "socket", "AF_INET", "no_network"),
    ),
    "a connection without a route": (
        attempt_connect,
        OSError(errno.ENETUNREACH, "Network is unreachable"),
        ("network", "connect", "192.0.2.1:9", "no_network"),
    ),
    "a name that cannot be resolved": (
        attempt_to_resolve,
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        ("network", "resolve", "192.0.2.1:443", "no_network"),
    ),
    "a fork": (
        attempt_fork,
        PermissionError(errno.EPERM, "Operation not permitted"),
        ("seccomp", "fork", "", "not_allowed"),
    ),
}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(("attempt", "exc", "expected"), NAMELESS.values(), ids=NAMELESS)
def test_an_error_that_names_nothing_is_explained_by_what_was_tried(
    attempt: Any, exc: OSError, expected: Any
) -> None:
    """
    "Operation not permitted" names neither the operation nor what on.
    """
    with contextlib.suppress(OSError):
        attempt()  # here it may work: only the attempt is witnessed

    assert shown(exc) == [expected]


def test_an_error_that_names_nothing_is_not_guessed_at() -> None:
    """
    Without a witness there is nothing to tell.
    """
    assert shown(PermissionError(errno.EPERM, "Operation not permitted")) == []


def test_an_error_of_tls_is_no_denial() -> None:
    """
    Its number is OpenSSL's: 1 is any fault of a handshake, and would be EPERM.
    """
    with contextlib.suppress(OSError):
        attempt_socket()

    refused = ssl.SSLCertVerificationError(ssl.SSL_ERROR_SSL, "certificate verify failed")

    assert errno.EPERM == refused.errno
    assert [] == shown(urllib.error.URLError(refused))


def test_a_denial_is_found_behind_the_exceptions_of_libraries() -> None:
    """
    No HTTP library raises what the kernel said.
    """
    refused = FileNotFoundError(errno.ENOENT, "No such file", "/srv/secret")
    chained = RuntimeError("could not load")
    chained.__cause__ = ValueError("bad")
    chained.__cause__.__context__ = refused
    wrapped = [chained, urllib.error.URLError(refused), ExceptionGroup("two", [refused, refused])]

    for exc in wrapped:
        assert shown(exc) == [("mounts", "open", "/srv/secret", "not_granted")]


def test_a_context_that_was_suppressed_stays_so() -> None:
    """
    `raise … from None` is the author's word that it does not matter.
    """
    exc = ValueError("bad")
    exc.__context__ = FileNotFoundError(errno.ENOENT, "No such file", "/srv/secret")
    exc.__suppress_context__ = True

    assert shown(exc) == []


def test_a_cycle_of_causes_ends() -> None:
    """
    Hostile code can build one.
    """
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first

    assert len(list(denials.chain(first))) == 2


def test_a_target_that_is_not_unicode_can_be_sent() -> None:
    """
    File names are bytes.
    """
    exc = FileNotFoundError(errno.ENOENT, "No such file", b"/srv/\xff")
    (found,) = denials.find(exc, grant())

    assert found.describe()["target"] == "/srv/\\udcff"
