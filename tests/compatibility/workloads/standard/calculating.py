"""
What computes, and touches the kernel little: numbers, text, time zones, foreign functions.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import datetime as dt
import decimal
import fractions
import hashlib
import hmac
import locale
import random
import re
import statistics
import struct
import unicodedata
import uuid
import zoneinfo
from typing import Any

from toolcell_worker import tool

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")


@tool(effects="read_only")
def numbers() -> Any:
    """
    Decimals, fractions, statistics, random numbers of a seed.
    """
    with decimal.localcontext(decimal.Context(prec=200)):
        root = str(decimal.Decimal(2).sqrt())
    harmonic = sum((fractions.Fraction(1, n) for n in range(1, 200)), fractions.Fraction())
    chance = random.Random(3)
    sample = [chance.gauss(0, 1) for _ in range(5000)]
    return [
        root,
        str(harmonic)[:60],
        statistics.fmean(sample).hex(),
        statistics.stdev(sample).hex(),
        chance.sample(range(1000), 10),
    ]


@tool(effects="read_only")
def texts() -> Any:
    """
    Regular expressions, Unicode, structures, digests and locales.
    """
    text = " ".join(f"user{n}@host{n % 7}.example, +49 30 {n:06}" for n in range(2000))
    found = re.findall(r"(?P<user>\w+)@(?P<host>[\w.]+)", text)
    packed = b"".join(struct.pack("<IdH", n, n / 3, n % 65536) for n in range(500))
    digests = {n: hashlib.new(n, packed).hexdigest() for n in ("sha256", "sha3_512", "blake2b")}
    digests["hmac"] = hmac.new(b"key", packed, "sha256").hexdigest()
    digests["scrypt"] = hashlib.scrypt(b"word", salt=b"salt", n=2**12, r=8, p=1).hex()
    digests["pbkdf2"] = hashlib.pbkdf2_hmac("sha512", b"word", b"salt", 1000).hex()
    return [
        len(found),
        found[-1],
        re.sub(r"\d+", lambda m: str(int(m[0]) % 10), text)[:80],
        unicodedata.normalize("NFKD", "Ångström ﬁn").encode("ascii", "ignore").decode(),
        locale.setlocale(locale.LC_ALL, "C.UTF-8"),
        str(uuid.uuid5(uuid.NAMESPACE_URL, "https://example.org")),
        len({uuid.uuid4() for _ in range(100)}),
        digests,
    ]


@tool(effects="read_only")
def time_zones() -> Any:
    """
    Zones of the system's or the package's database, and arithmetic across a change of clocks.
    """
    start = dt.datetime(2024, 3, 31, 0, 30, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(hours=h) for h in range(4)]
    known = zoneinfo.available_timezones()
    zones = [zoneinfo.ZoneInfo(name) for name in ZONES if name in known]
    shown = {str(zone): [m.astimezone(zone).isoformat() for m in moments] for zone in zones}
    local = dt.datetime.fromtimestamp(0).astimezone().utcoffset() is not None
    return [shown, local, len(known)]


@tool(effects="read_only")
def foreign_functions() -> Any:
    """
    The C library by ctypes, with a callback: code that is generated at run time.
    """
    library = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True)
    compare_type = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int)
    )
    order = compare_type(lambda one, other: one[0] - other[0])
    chance = random.Random(4)
    array = (ctypes.c_int * 1000)(*chance.sample(range(10_000), 1000))
    library.qsort(array, len(array), ctypes.sizeof(ctypes.c_int), order)
    buffer = ctypes.create_string_buffer(64)
    library.snprintf(buffer, 64, b"%s %d", b"answer", 42)
    missing = library.open(b"/nowhere", 0)
    return [list(array) == sorted(array), buffer.value.decode(), missing, ctypes.get_errno()]
