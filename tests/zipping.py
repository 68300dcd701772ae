"""
Zips as a test wants them: good ones, and such as no honest program writes.
"""

from __future__ import annotations

import io
import struct
import zipfile

LINK = 0o120777 << 16
DEVICE = 0o020644 << 16


def zipped(
    files: dict[str, str | bytes], mode: int = 0, method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """
    A zip of these files, the names as they are; `mode` is what each says that it is.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo("x")
            entry.filename, entry.compress_type, entry.external_attr = name, method, mode
            archive.writestr(entry, content)
    return buffer.getvalue()


def doubled(content: bytes, first: str, second: str) -> bytes:
    """
    The same with one name written as another of the same length, in both places where it stands.
    """
    assert len(first) == len(second)
    return content.replace(first.encode(), second.encode())


def overlapping(files: int, size: int) -> bytes:
    """
    A zip whose files all are the same bytes: each entry of its directory names the same place.
    """
    one = zipped({"a.py": b"#" * size}, method=zipfile.ZIP_STORED)
    end = one.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<I", one, end + 16)[0]
    entry, body = one[start:end], one[:start]
    directory = b"".join(
        entry.replace(b"a.py", b"%c.py" % (97 + number)) for number in range(files)
    )
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, files, files, len(directory), start, 0)
    return body + directory + tail
