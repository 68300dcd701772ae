"""
Who may upload what, who finds it again, and for how long.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from toolcell_server.carried import Carried
from toolcell_server.principal import Principal
from toolcell_server.refusals import (
    AuditFailed,
    NotSigned,
    StoreFailed,
    UnknownUpload,
    UploadRefused,
    UploadsFull,
)
from toolcell_server.settings.registry import RegistrySettings
from toolcell_server.settings.upload_keys import UploadKey
from toolcell_server.uploads.uploads import KEPT_SECONDS, Uploads
from zipping import zipped

if TYPE_CHECKING:
    from toolcell_server.uploads.stored import Stored

ALICE, MALLORY = Principal(name="alice"), Principal(name="mallory")
ADMIN = Principal(name="admin", scopes=frozenset({"toolcell:tools"}))
CODE = b"def tool(): ...\n"
SHA256 = hashlib.sha256(CODE).hexdigest()
KEY = f"{SHA256}-{hashlib.sha256(b'tools.py').hexdigest()[:16]}"
MINUTE = 60.0


class Place:
    """
    Uploads in a folder, a clock that stands, and what tools need.
    """

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.now = 1000.0
        self.needed: set[str] = set()
        self.settings = RegistrySettings(
            **{"enabled": True, "require_signature": False, **settings}
        )
        self.uploads = self.again()

    def again(self, **settings: Any) -> Uploads:
        """
        As the next server finds it.
        """
        if settings:
            self.settings = RegistrySettings(enabled=True, **settings)
        self.uploads = Uploads(
            self.settings,
            str(self.folder),
            lambda: self.needed,
            lambda caller: caller is ADMIN,
            lambda: self.now,
        )
        self.uploads.load()
        return self.uploads

    def upload(
        self,
        content: bytes = CODE,
        name: str = "tools.py",
        signature: bytes = b"",
        caller: Principal = ALICE,
    ) -> Stored:
        return asyncio.run(self.uploads.upload(content, name, signature, caller))

    def files(self) -> set[str]:
        """
        All that is there, as it is named below the folder.
        """
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def key(name: str = "ci") -> tuple[Ed25519PrivateKey, UploadKey]:
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private, UploadKey(name=name, public_key=pem.decode())


def signed(private: Ed25519PrivateKey, content: bytes = CODE) -> bytes:
    return private.sign(hashlib.sha256(content).digest())


def test_an_upload_is_kept_by_its_digest_and_unpacked(place: Place) -> None:
    """
    Nothing of what a caller named is a name in our folders, but for what lies in the archive.
    """
    stored = place.upload()

    assert (SHA256, "") == (stored.sha256, stored.signed_by)
    assert {
        "uploads",
        "code",
        f"uploads/{KEY}.content",
        f"uploads/{KEY}.json",
        f"code/{KEY}",
        f"code/{KEY}/tools.py",
    } == place.files()
    assert CODE == Path(place.uploads.folder(stored), "tools.py").read_bytes()


def test_the_folders_are_ours_alone_and_the_code_is_for_reading(place: Place) -> None:
    """
    A cell has an id that is not ours, and gets the tree by a descriptor.
    """
    place.upload(zipped({"tools/__init__.py": CODE}), "tools.zip")
    modes = {
        stat.S_IMODE(path.stat().st_mode) for path in (place.folder / "code").glob("*/tools/*")
    }

    assert {0o444} == modes
    for name in ("uploads", "code"):
        assert 0o700 == stat.S_IMODE((place.folder / name).stat().st_mode)


def test_what_was_uploaded_is_found_by_its_owner_and_by_nobody_else(place: Place) -> None:
    """
    A digest is no secret: whoever has the code can compute it.
    """
    place.upload()

    assert SHA256 == place.uploads.find(SHA256, ALICE).sha256
    assert SHA256 == place.uploads.find(SHA256, ADMIN).sha256
    with pytest.raises(UnknownUpload) as others:
        place.uploads.find(SHA256, MALLORY)
    with pytest.raises(UnknownUpload) as nobodys:
        place.uploads.find(SHA256.replace(SHA256[0], "0"), MALLORY)
    assert str(others.value).partition("'")[0] == str(nobodys.value).partition("'")[0]


def test_whoever_has_the_same_code_uploads_it_himself(place: Place) -> None:
    """
    And both find it, after a restart as well.
    """
    place.upload()
    place.upload(caller=MALLORY)
    uploads = place.again()

    assert ["alice", "mallory"] == uploads.find(SHA256, MALLORY).owners
    assert SHA256 == uploads.find(SHA256, ALICE).sha256


@pytest.mark.parametrize(
    "digest", ["", "x", "../" + SHA256, SHA256.upper(), SHA256 + "0"], ids=range(5)
)
def test_a_digest_that_is_none_is_not_found(place: Place, digest: str) -> None:
    place.upload()
    with pytest.raises(UnknownUpload):
        place.uploads.find(digest, ADMIN)


def test_only_signed_code_is_taken_where_the_operator_wants_that(tmp_path: Path) -> None:
    """
    By one of his keys, over this content.
    """
    private, public = key()
    other, _ = key()
    place = Place(tmp_path, upload_keys=(key("old")[1], public), require_signature=True)
    refused = {
        "not at all": b"",
        "by another key": signed(other),
        "other content": signed(private, b"x"),
        "half a signature": signed(private)[:32],
    }
    for how, signature in refused.items():
        with pytest.raises(NotSigned):
            place.upload(signature=signature)
        assert {"uploads", "code"} == place.files(), how

    assert "ci" == place.upload(signature=signed(private)).signed_by


def test_a_wrong_signature_is_refused_even_where_none_is_needed(place: Place) -> None:
    """
    Somebody believes that it counts.
    """
    with pytest.raises(NotSigned, match="of no key"):
        place.upload(signature=bytes(64))


def test_a_key_that_the_operator_takes_away_takes_what_it_signed(tmp_path: Path) -> None:
    """
    At the next start; the tools that need it are broken, and say why.
    """
    private, public = key()
    place = Place(tmp_path, upload_keys=(public,), require_signature=True)
    stored = place.upload(signature=signed(private))
    carried = Carried(carrier="run_source", code=(place.uploads.folder(stored),))
    assert "" == place.uploads.fault(carried)
    uploads = place.again(upload_keys=(key()[1],), require_signature=True)

    assert "is not signed as it must be" in uploads.fault(carried)
    assert not Path(place.folder, "code", KEY).exists()
    assert "" == place.again(upload_keys=(public,), require_signature=True).fault(carried)


def test_code_that_was_altered_is_not_used_after_a_start(place: Place) -> None:
    """
    Whoever can write there has more than our word; but a disk that forgets is found as well.
    """
    stored = place.upload()
    content = place.folder / "uploads" / f"{KEY}.content"
    content.write_bytes(b"def tool(): evil()\n")
    uploads = place.again()
    with pytest.raises(UnknownUpload):
        uploads.find(SHA256, ALICE)

    assert not Path(uploads.folder(stored)).exists()
    place.upload()
    assert CODE == Path(uploads.folder(stored), "tools.py").read_bytes()


def test_what_was_unpacked_is_not_believed_after_a_start(place: Place) -> None:
    """
    It is unpacked anew from what has its digest.
    """
    folder = Path(place.uploads.folder(place.upload()))
    folder.chmod(0o700)
    (folder / "tools.py").chmod(0o600)
    (folder / "tools.py").write_text("evil")
    (folder / "sitecustomize.py").write_text("evil")
    place.again()

    assert ["tools.py"] == os.listdir(folder)
    assert CODE == (folder / "tools.py").read_bytes()


def test_what_was_half_written_is_gone_after_a_start(place: Place) -> None:
    """
    As kill -9 leaves it.
    """
    for name in ("uploads/.new-1", "code/.new-2", f"uploads/{KEY}.content"):
        (place.folder / name).write_text("half")
    place.again()

    assert {"uploads", "code"} == place.files()


def test_a_description_that_is_none_is_passed_over(place: Place) -> None:
    place.upload()
    (place.folder / "uploads" / f"{KEY}.json").write_text("[1]")
    with pytest.raises(UnknownUpload):
        place.again().find(SHA256, ALICE)


def test_what_no_tool_needs_goes_after_an_hour(place: Place) -> None:
    """
    At the next upload: a client uploads first and registers then.
    """
    place.upload()
    place.now += KEPT_SECONDS - MINUTE
    place.upload(b"x = 1\n")
    assert SHA256 == place.uploads.find(SHA256, ALICE).sha256  # and stays, from now on
    place.now += KEPT_SECONDS - MINUTE
    place.upload(b"x = 2\n")
    assert f"code/{KEY}" in place.files()
    place.now += 2 * MINUTE
    place.upload(b"x = 3\n")

    assert not any(SHA256 in name for name in place.files())


def test_what_a_tool_needs_stays(place: Place) -> None:
    """
    And an hour longer, for the calls that run.
    """
    place.upload()
    place.needed = {KEY}
    place.now += 10 * KEPT_SECONDS
    place.upload(b"x = 1\n")
    place.needed = set()
    place.now += KEPT_SECONDS - MINUTE
    place.upload(b"x = 2\n")

    assert SHA256 == place.uploads.find(SHA256, ALICE).sha256


def test_an_upload_has_a_size_that_the_operator_bounds(tmp_path: Path) -> None:
    place = Place(tmp_path, upload_bytes=2000)
    for content in (b"", b"#" * 2001):
        with pytest.raises(UploadRefused, match="1 to 2000 are allowed"):
            place.upload(content)

    assert 2000 == place.upload(b"#" * 2000).size


def test_no_principal_takes_all_the_room(tmp_path: Path) -> None:
    """
    A quarter is one's own; the rest is there for others.
    """
    place = Place(tmp_path, uploads_bytes=16 * 2**20, upload_bytes=5 * 2**20)
    big = b"#" * (2 * 2**20 - 4106)  # it is there twice, and the second time in blocks
    place.upload(big)
    with pytest.raises(UploadsFull, match="this caller's take"):
        place.upload(b"# one more\n")

    assert place.upload(b"# one more\n", caller=MALLORY).size
    for number in range(3):
        place.upload(big + str(number).encode(), caller=ADMIN)
    with pytest.raises(UploadsFull, match="bytes are left"):
        place.upload(big + b"x", caller=ADMIN)


def test_what_it_unpacks_to_takes_room_too(tmp_path: Path) -> None:
    """
    A zip of a kilobyte is a megabyte on the disk, and many small files are many blocks.
    """
    place = Place(tmp_path, uploads_bytes=16 * 2**20)
    files: dict[str, str | bytes] = {f"m{number}.py": b"#" * 4096 for number in range(500)}
    packed = zipped(files)
    assert len(packed) < 2**17
    place.upload(packed, "a.zip")
    with pytest.raises(UploadsFull, match="this caller's take"):
        place.upload(zipped({**files, "n.py": b"#"}), "b.zip")
    place.again(require_signature=False, uploads_bytes=16 * 2**20)
    with pytest.raises(UploadsFull, match="this caller's take"):
        place.upload(zipped({**files, "n.py": b"#"}), "b.zip")


def test_what_waits_to_be_unpacked_is_bounded_for_each_caller(tmp_path: Path) -> None:
    """
    Each would be in memory, and sixty-four megabytes once it is unpacked.
    """
    place = Place(tmp_path, upload_bytes=1024)

    async def all_at_once() -> list[object]:
        contents = [b"#" * 990 + str(number).encode() for number in range(5)]
        mine = [place.uploads.upload(each, "tools.py", b"", ALICE) for each in contents]
        return await asyncio.gather(
            *mine, place.uploads.upload(CODE, "tools.py", b"", MALLORY), return_exceptions=True
        )

    *mine, others = asyncio.run(all_at_once())

    assert 3 == sum(isinstance(each, UploadsFull) for each in mine)
    assert not isinstance(others, Exception)
    assert place.upload(b"#" * 1024)  # once they have been taken


def test_the_same_content_by_another_name_is_another_module(place: Place) -> None:
    """
    Whoever uploads known code first, by a name of his, must not say how others import it.
    """
    place.upload(name="hostile.py", caller=MALLORY)
    place.upload(caller=ALICE)
    uploads = place.again()

    assert ["tools.py"] == os.listdir(uploads.folder(uploads.find(SHA256, ALICE)))
    assert ["hostile.py"] == os.listdir(uploads.folder(uploads.find(SHA256, MALLORY)))


def test_whoever_has_the_same_code_is_recorded_and_hears_nothing_of_the_other(
    tmp_path: Path,
) -> None:
    """
    That somebody else has signed it would tell that he has it.
    """
    private, public = key()
    place, seen = Place(tmp_path, upload_keys=(public,)), list[str]()
    place.uploads._record = lambda _, caller: seen.append(caller.name)
    place.upload(signature=signed(private))

    assert "" == place.upload(caller=MALLORY).signed_by
    assert ["alice", "mallory"] == seen


def test_uploads_at_the_same_time_are_all_there(place: Place) -> None:
    """
    Of the same code and of others.
    """

    async def all_at_once() -> list[Stored]:
        contents = [f"x = {number % 5}\n".encode() for number in range(20)]
        return await asyncio.gather(
            *(place.uploads.upload(each, "tools.py", b"", ALICE) for each in contents)
        )

    found = asyncio.run(all_at_once())

    assert 5 == len({stored.sha256 for stored in found})
    assert 5 == len(list((place.folder / "code").iterdir()))
    assert not [name for name in place.files() if ".new-" in name]


def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    """
    A link leads to where others write.
    """
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "uploads").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="not the server's own"):
        Place(tmp_path)


def test_whoever_hangs_up_leaves_no_half_of_an_upload(place: Place) -> None:
    """
    It is kept whole, or not at all.
    """

    async def hang_up() -> None:
        begun = asyncio.Event()
        place.uploads._record = lambda *_: begun.set()
        uploading = asyncio.ensure_future(place.uploads.upload(CODE, "tools.py", b"", ALICE))
        await begun.wait()
        uploading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await uploading
        async with place.uploads._changing:  # once whoever keeps it has finished
            assert SHA256 == place.uploads.find(SHA256, ALICE).sha256

    asyncio.run(hang_up())

    assert {KEY} == {path.name for path in (place.folder / "code").iterdir()}


def test_what_the_disk_refuses_is_refused_and_leaves_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    As when it is full.
    """

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(place.uploads._store, "keep", full)
    with pytest.raises(StoreFailed):
        place.upload()

    assert {"uploads", "code"} == place.files()


def test_nothing_is_kept_without_its_record(tmp_path: Path) -> None:
    """
    Where the audit log says that it must.
    """
    seen: list[str] = []

    def record(stored: Stored, caller: Principal) -> None:
        seen.append(f"{caller.name} {stored.sha256}")
        raise AuditFailed

    place = Place(tmp_path)
    place.uploads._record = record
    with pytest.raises(AuditFailed):
        place.upload()

    assert [f"alice {SHA256}"] == seen
    assert {"uploads", "code"} == place.files()
