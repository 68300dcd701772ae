"""
What an upload holds: a Python file, a zip of Python files and packages, or a wheel.  Pure: bytes
in, files out, whatever the bytes are.

Theory of operation.  Whoever uploads is not trusted, and a zip is a format in which lies are cheap.
Nothing that it says of itself counts until it is looked at: sizes are counted while they are
unpacked and not taken from headers; that files share their bytes, which makes a kilobyte a
petabyte, shows in the sum of what they claim; links and devices are refused by their mode, and what
is not refused is written as a plain file.  Methods of compression other than the one that every zip
has are refused, because each is another parser.
"""

from __future__ import annotations

import io
import keyword
import stat
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from toolcell_server.refusals import UploadRefused
from toolcell_server.uploads import names

if TYPE_CHECKING:
    from collections.abc import Mapping

MAXIMUM_FILES: Final = 2000
MAXIMUM_BYTES: Final = 64 * 2**20  # of all files, unpacked
MAXIMUM_RATIO: Final = 100  # of those to the archive; deflate reaches 1032, Python code 5
FREE_BYTES: Final = 2**20  # which have any ratio: small files of one letter are no bomb
_CHUNK: Final = 64 * 1024
_BLOCK: Final = 4096
_FIRST: Final = b"PK\x03\x04"  # of the first file: nothing may stand before it
_LISTED: Final = b"PK\x01\x02"  # each file has one in the directory at the end
_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MODES: Final = (0, stat.S_IFREG, stat.S_IFDIR)
# What a wheel has outside its packages, for pip to put elsewhere.
_ELSEWHERE: Final = (".data/purelib/", ".data/platlib/")


@dataclass(frozen=True, slots=True)
class Kind:
    """
    How a file name ends, and whether it is an archive.
    """

    suffix: str
    archive: bool


KINDS: Final = (Kind(".py", False), Kind(".zip", True), Kind(".whl", True))


def unpacked(content: bytes, file_name: str) -> Mapping[str, bytes]:
    """
    The files of an upload, by name.

    Raises:
        UploadRefused: it is not what its name says, or not what is unpacked here; says why.
    """
    kind = next((kind for kind in KINDS if file_name.endswith(kind.suffix)), None)
    if kind is None or names.fault(file_name) or "/" in file_name:
        raise UploadRefused("has no file name that ends in .py, .zip or .whl")
    if kind.archive:
        return _archive(content)
    module = file_name.removesuffix(kind.suffix)
    if not (module.isascii() and module.isidentifier()) or keyword.iskeyword(module):
        raise UploadRefused(f"has the name {names.shown(file_name)}, which no import can name")
    return {file_name: content}


def room(files: Mapping[str, bytes]) -> int:
    """
    How many bytes files take on a disk, where the smallest takes a block.
    """
    return sum(_BLOCK + len(data) for data in files.values())


def _archive(content: bytes) -> Mapping[str, bytes]:
    if not content.startswith(_FIRST):
        raise UploadRefused("is no zip, or has something before it")
    # Before its directory is read into memory, an entry of it at a time.
    if content.count(_LISTED) > 2 * MAXIMUM_FILES:
        raise UploadRefused(f"holds more than {MAXIMUM_FILES} files")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = _listed(archive, len(content))
            return _read(archive, listed, len(content))
    except (zipfile.BadZipFile, zlib.error, EOFError) as exc:
        raise UploadRefused(f"is a damaged zip ({exc})") from None
    except (ValueError, OverflowError, NotImplementedError, RuntimeError, OSError) as exc:
        raise UploadRefused(f"is no zip that can be read here ({exc})") from None


def _listed(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """
    The files of its directory, after everything that can be seen there.
    """
    listed = archive.infolist()
    if len(listed) > MAXIMUM_FILES:
        raise UploadRefused(f"holds {len(listed)} files; at most {MAXIMUM_FILES} are allowed")
    for entry in listed:
        if fault := _fault(entry):
            raise UploadRefused(fault)
    files = [entry for entry in listed if not entry.is_dir()]
    if fault := names.clash([entry.filename for entry in files]):
        raise UploadRefused(fault)
    if sum(entry.compress_size for entry in listed) > size:
        raise UploadRefused("holds files that share their bytes")
    if not any(entry.filename.endswith(".py") for entry in files):
        raise UploadRefused("holds no Python file")
    return files


def _fault(entry: zipfile.ZipInfo) -> str:
    if entry.filename != entry.orig_filename:
        return f"has the name {names.shown(entry.orig_filename)}, which is another to others"
    if fault := names.fault(entry.filename.removesuffix("/")):
        return fault
    shown = names.shown(entry.filename)
    if stat.S_IFMT(entry.external_attr >> 16) not in _MODES:
        return f"holds {shown}, which is neither a file nor a folder"
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _METHODS:
        return f"holds {shown}, which is encrypted or packed in a way that is not read here"
    if any(place in entry.filename for place in _ELSEWHERE):
        return f"is a wheel with {shown}, outside its packages; build it without"
    return ""


def _read(archive: zipfile.ZipFile, files: list[zipfile.ZipInfo], size: int) -> Mapping[str, bytes]:
    room = min(MAXIMUM_BYTES, max(FREE_BYTES, MAXIMUM_RATIO * size))
    found: dict[str, bytes] = {}
    for entry in files:
        data = bytearray()
        with archive.open(entry) as file:
            while chunk := file.read(_CHUNK):
                data += chunk
                room -= len(chunk)
                if room < 0:
                    raise UploadRefused(
                        f"unpacks to more than {MAXIMUM_BYTES} bytes, or {MAXIMUM_RATIO} times"
                        " its size"
                    )
        found[entry.filename] = bytes(data)
    return found
