"""
Files of many kinds in the private /tmp, and memory mapped from them.
"""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import mmap
import os
import random
import shutil
import sqlite3
import tarfile
import tempfile
import threading
import zipfile
import zlib
from pathlib import Path
from typing import Any

from toolcell_worker import tool

WORDS = ["ash", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel"]


@tool(effects="read_only")
def sqlite() -> Any:
    """
    A WAL database with full-text search, read by one connection while another writes.
    """
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        writer = sqlite3.connect(f"{folder}/trees.db", isolation_level=None)
        reader = sqlite3.connect(f"{folder}/trees.db")
        mode = writer.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        writer.execute("CREATE TABLE trees (name TEXT, height REAL)")
        writer.execute("CREATE VIRTUAL TABLE notes USING fts5(body)")
        writer.execute("BEGIN")
        for _ in range(2000):
            name = chance.choice(WORDS)
            writer.execute("INSERT INTO trees VALUES (?, ?)", (name, chance.random()))
            writer.execute("INSERT INTO notes VALUES (?)", (f"{name} {chance.choice(WORDS)}",))
        before = reader.execute("SELECT count(*) FROM trees").fetchone()
        writer.execute("COMMIT")
        totals = reader.execute(
            "SELECT name, count(*), round(sum(height), 6) FROM trees GROUP BY name ORDER BY name"
        ).fetchall()
        found = reader.execute(
            "SELECT count(*) FROM notes WHERE notes MATCH ?", ("ash AND elm",)
        ).fetchone()
        reader.close()
        writer.execute("VACUUM")
        check = writer.execute("PRAGMA integrity_check").fetchone()[0]
        writer.close()
        return [mode, before, totals, found, check, sorted(os.listdir(folder))]


@tool(effects="read_only")
def sqlite_from_threads() -> Any:
    """
    Eight threads that write to one database, each over a connection of its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/shared.db"
        with sqlite3.connect(path) as first:
            first.execute("PRAGMA journal_mode=WAL")
            first.execute("CREATE TABLE counted (thread INTEGER, number INTEGER)")
        first.close()

        def write(thread: int) -> None:
            connection = sqlite3.connect(path, timeout=20)
            for number in range(20):
                with connection:
                    connection.execute("INSERT INTO counted VALUES (?, ?)", (thread, number))
            connection.close()

        threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        last = sqlite3.connect(path)
        answer = last.execute("SELECT thread, count(*), sum(number) FROM counted GROUP BY 1")
        rows = answer.fetchall()
        last.close()
        return rows


@tool(effects="read_only")
def archives() -> Any:
    """
    zip, tar, gzip, bz2 and lzma, written and read back; and a folder copied and moved.
    """
    chance = random.Random(2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source"
        (source / "deep" / "deeper").mkdir(parents=True)
        for number in range(20):
            text = " ".join(chance.choices(WORDS, k=500))
            (source / "deep" / f"{number:02}.txt").write_text(text)
        (source / "link").symlink_to("deep/00.txt")
        kept: dict[str, Any] = {}
        for kind in ("zip", "tar", "gztar", "bztar", "xztar"):
            packed = shutil.make_archive(str(folder / kind), kind, source)
            target = folder / f"{kind}-unpacked"
            shutil.unpack_archive(packed, target, kind)
            files = sorted(p for p in target.rglob("*") if p.is_file())
            kept[kind] = [(p.name, zlib.crc32(p.read_bytes())) for p in files][-3:]
        with zipfile.ZipFile(folder / "zip.zip") as opened:
            kept["bad"] = opened.testzip()
        with tarfile.open(folder / "tar.tar") as tar:
            kept["members"] = len(tar.getmembers())
        copy = Path(shutil.copytree(source, folder / "copy", symlinks=True))
        moved = shutil.move(copy, folder / "moved")
        kept["link"] = os.readlink(f"{moved}/link")
        with gzip.open(folder / "text.gz", "wt") as zipped:
            zipped.write("elm" * 10_000)
        kept["gzip"] = len(gzip.decompress((folder / "text.gz").read_bytes()))
        kept["lzma"] = zlib.crc32(lzma.decompress(lzma.compress(b"fir" * 50_000)))
        return kept


@tool(effects="read_only")
def tables() -> Any:
    """
    JSON and CSV through named, unnamed and spooled temporary files.
    """
    rows = [{"name": word, "length": len(word), "share": len(word) / 7} for word in WORDS]
    with tempfile.NamedTemporaryFile("w+", newline="", suffix=".csv") as file:
        writer = csv.DictWriter(file, ["name", "length", "share"])
        writer.writeheader()
        writer.writerows(rows)
        file.flush()
        with open(file.name, newline="") as again:
            read = list(csv.DictReader(again))
    with tempfile.TemporaryFile("w+") as nameless:
        json.dump(read, nameless, indent=1)
        nameless.seek(0)
        back = json.load(nameless)
    with tempfile.SpooledTemporaryFile(max_size=100, mode="w+") as spooled:
        spooled.write("x" * 1000)
        spooled.seek(0)
        length = len(spooled.read())
    return [back, length, shutil.disk_usage(tempfile.gettempdir()).total > 0]


@tool(effects="read_only")
def memory_maps() -> Any:
    """
    Shared, private and anonymous maps; a map that grows; a file with a hole.
    """
    with tempfile.TemporaryFile() as file:
        file.truncate(8 * 2**20)
        with mmap.mmap(file.fileno(), 0) as shared:
            shared[4096:4101] = b"maple"
            shared.flush()
            file.seek(4096)
            written = file.read(5)
            shared.resize(16 * 2**20)
            grown = len(shared)
        with mmap.mmap(file.fileno(), 4096, access=mmap.ACCESS_COPY, offset=4096) as private:
            private[:5] = b"larch"
            file.seek(4096)
            untouched = file.read(5)
        blocks = os.fstat(file.fileno()).st_blocks * 512 < 2**20
    with mmap.mmap(-1, 2**20) as anonymous:
        anonymous.madvise(mmap.MADV_DONTNEED)
        anonymous[-3:] = b"oak"
        found = anonymous.find(b"oak")
    return [written.decode(), grown, untouched.decode(), blocks, found]
