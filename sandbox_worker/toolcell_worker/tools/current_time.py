"""
Tells the time.
"""

from __future__ import annotations

import datetime as dt
import difflib
import zoneinfo

import msgspec

from toolcell_worker import ToolError, tool

SUGGESTIONS = 5


class Time(msgspec.Struct, kw_only=True):
    """
    One moment in one time zone.  `iso` is ISO 8601, `unix` are seconds since 1970 in UTC.
    """

    iso: str
    date: str
    time: str
    weekday: str
    timezone: str
    abbreviation: str
    utc_offset: str
    unix: float


@tool(title="Current time", category="time", tags=["time", "date", "clock"], effects="read_only")
def current_time(timezone: str = "UTC") -> Time:
    """
    Tell the current date and time in a time zone.

    Args:
        timezone: IANA name such as Europe/Berlin or UTC, not an abbreviation such as EST.
    """
    now = dt.datetime.now(_zone(timezone))
    return Time(
        iso=now.isoformat(timespec="seconds"),
        date=now.date().isoformat(),
        time=now.strftime("%H:%M:%S"),
        weekday=now.strftime("%A"),
        timezone=timezone,
        abbreviation=now.tzname() or "",
        utc_offset=now.strftime("%z")[:3] + ":" + now.strftime("%z")[3:5],
        unix=now.timestamp(),
    )


def _zone(name: str) -> dt.tzinfo:
    if name.upper() in ("UTC", "Z"):
        return dt.UTC  # known without any files
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        similar = _similar(name)
    advice = f"Did you mean {' or '.join(similar)}?" if similar else "Use a name like Asia/Tokyo."
    raise ToolError(
        f"there is no time zone {name!r}",
        code="UNKNOWN_TIMEZONE",
        category="user",
        hint=advice,
        spoken="I do not know that time zone.",
    )


def _similar(name: str) -> list[str]:
    """
    Known zones that a misspelt name, or the name of a city alone, may mean.
    """
    wanted = name.strip().replace(" ", "_").lower()
    known = sorted(zoneinfo.available_timezones())
    cities = [zone for zone in known if zone.lower().rpartition("/")[2] == wanted]
    by_lower = {zone.lower(): zone for zone in known}
    close = difflib.get_close_matches(wanted, by_lower, SUGGESTIONS, 0.6)
    return list(dict.fromkeys([*cities, *(by_lower[match] for match in close)]))[:SUGGESTIONS]
