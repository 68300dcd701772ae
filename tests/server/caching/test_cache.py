"""
What the cache holds, how long, and for whom.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from toolcell_server.caching.cache import LARGEST_PART, OVERHEAD_BYTES, Cache, Entry
from toolcell_server.caching.keys import Key

ENTRIES = 8
BYTES = ENTRIES * 2 * OVERHEAD_BYTES * LARGEST_PART
TOOL = object()


def key(name: str) -> Key:
    return Key("t", "1", "", None, name.encode(), ())


def entry(owner: str = "a", size: int = 0, expires: float = 100.0, **fields: Any) -> Entry:
    return Entry(owner, fields.get("tool", TOOL), fields.get("made_from"), b"x" * size, expires)


def cache(entries: int = ENTRIES, size: int = BYTES) -> tuple[Cache, list[str]]:
    dropped: list[str] = []
    return Cache(entries, size, dropped.append), dropped


def test_an_entry_is_found_until_its_time_is_up() -> None:
    kept, dropped = cache()
    kept.keep(key("k"), entry(expires=10), 0.0)

    assert ("hit", b"") == kept.find(key("k"), TOOL, None, 9.999)
    assert ("stale", b"") == kept.find(key("k"), TOOL, None, 10.0)
    assert ("miss", b"") == kept.find(key("k"), TOOL, None, 10.0)
    assert ["expired"] == dropped
    assert (0, 0) == (len(kept), kept.size)


def test_an_entry_of_another_loaded_tool_or_another_file_is_stale() -> None:
    kept, _ = cache()
    kept.keep(key("k"), entry(made_from=(1,)), 0.0)
    found = [kept.find(key("k"), TOOL, (1,), 1.0)[0], kept.find(key("k"), TOOL, (2,), 1.0)[0]]
    kept.keep(key("k"), entry(made_from=(1,)), 0.0)

    assert ["hit", "stale"] == found
    assert "stale" == kept.find(key("k"), object(), (1,), 1.0)[0]


def test_the_least_recently_used_goes_first() -> None:
    kept, dropped = cache(entries=2)
    for name in ("first", "second"):
        kept.keep(key(name), entry(), 0.0)
    kept.find(key("first"), TOOL, None, 1.0)
    kept.keep(key("third"), entry(), 1.0)

    assert "miss" == kept.find(key("second"), TOOL, None, 1.0)[0]
    assert "hit" == kept.find(key("first"), TOOL, None, 1.0)[0]
    assert ["room"] == dropped


def test_what_has_expired_makes_room_before_anything_is_driven_out() -> None:
    kept, dropped = cache(entries=2)
    kept.keep(key("short"), entry("b", expires=5), 0.0)
    kept.keep(key("long"), entry("a"), 0.0)
    kept.keep(key("new"), entry("a"), 6.0)

    assert ["expired"] == dropped
    assert "hit" == kept.find(key("long"), TOOL, None, 6.0)[0]


def test_one_result_is_never_most_of_the_cache() -> None:
    kept, dropped = cache()

    assert not kept.keep(key("huge"), entry(size=BYTES // LARGEST_PART), 0.0)
    assert kept.keep(key("big"), entry(size=BYTES // LARGEST_PART - OVERHEAD_BYTES), 0.0)
    assert [] == dropped


def test_a_greedy_caller_drives_out_only_what_is_his() -> None:
    """
    He may have all that nobody else wants; what others keep, up to an equal share, stays.
    """
    kept, _ = cache(entries=6)
    for number in range(2):
        kept.keep(key(f"modest{number}"), entry("modest"), 0.0)
    for number in range(100):
        kept.keep(key(f"greedy{number}"), entry("greedy"), 0.0)
    modest = [kept.find(key(f"modest{number}"), TOOL, None, 1.0)[0] for number in range(2)]
    greedy = [kept.find(key(f"greedy{number}"), TOOL, None, 1.0)[0] for number in range(96, 100)]

    assert ["hit", "hit"] == modest
    assert ["hit"] * 4 == greedy


def test_large_results_count_as_much_as_many() -> None:
    kept, _ = cache(entries=100, size=40 * OVERHEAD_BYTES)
    for number in range(8):
        kept.keep(key(f"small{number}"), entry("small"), 0.0)
    for number in range(20):
        kept.keep(key(f"large{number}"), entry("large", size=4 * OVERHEAD_BYTES), 0.0)

    small = [kept.find(key(f"small{number}"), TOOL, None, 1.0)[0] for number in range(8)]
    assert ["hit"] * 8 == small


def test_expiries_of_entries_that_were_replaced_do_not_pile_up() -> None:
    kept, _ = cache()
    for number in range(1000):
        kept.keep(key("k"), entry(expires=1000.0 + number), 0.0)

    assert len(kept._expiries) <= 3 * ENTRIES


@dataclass
class Model:
    """
    The same promises, written for reading and not for speed.
    """

    most: int
    size: int
    order: list[tuple[Key, Entry]] = field(default_factory=list)  # least recently used first

    def find(self, of: Key, now: float) -> str:
        for at, (known, held) in enumerate(self.order):
            if known == of:
                del self.order[at]
                if now >= held.expires:
                    return "stale"
                self.order.append((known, held))
                return "hit"
        return "miss"

    def keep(self, of: Key, new: Entry, now: float) -> None:
        if new.size > self.size // LARGEST_PART or new.expires <= now:
            return
        self.order = [(k, e) for k, e in self.order if k != of and e.expires > now]
        self.order.append((of, new))
        while len(self.order) > self.most or sum(e.size for _, e in self.order) > self.size:
            owners = {held.owner for _, held in self.order}
            largest = max(sorted(owners), key=lambda o: (self.share(o), o == new.owner))
            tied = {o for o in owners if self.share(o) == self.share(largest)}
            victims = {new.owner} if new.owner in tied else tied
            del self.order[next(i for i, (_, e) in enumerate(self.order) if e.owner in victims)]

    def share(self, owner: str) -> float:
        held = [entry for _, entry in self.order if entry.owner == owner]
        return max(len(held) / self.most, sum(entry.size for entry in held) / self.size)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["find", "keep", "keep"]),
        st.integers(0, 12),
        st.sampled_from("ab"),
        st.integers(0, 3) | st.integers(0, BYTES // 4),
        st.floats(0, 30),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_the_cache_holds_what_a_simple_model_of_it_holds(
    steps: list[tuple[str, int, str, int, float]],
) -> None:
    """
    With owners of equal shares the one that asks gives way, so that there is one answer.
    """
    kept, _ = cache()
    model = Model(ENTRIES, BYTES)
    for now, (do, number, owner, size, lasts) in enumerate(steps):
        if do == "find":
            assert (
                model.find(key(str(number)), now) == kept.find(key(str(number)), TOOL, None, now)[0]
            )
        else:
            new = entry(owner, size, now + lasts)
            model.keep(key(str(number)), new, now)
            kept.keep(key(str(number)), new, now)
        assert len(kept) <= ENTRIES
        assert kept.size <= BYTES
        assert kept.size == sum(held.size for held in kept._entries.values())
    alive = {k for k, e in model.order if e.expires > len(steps)}
    held = {k for k, e in kept._entries.items() if e.expires > len(steps)}
    assert alive == held


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_nobody_with_an_equal_share_or_less_loses_anything_to_others(
    steps: list[tuple[str, int, str, int, float]],
) -> None:
    """
    Whatever the others keep, and however much of it.
    """
    kept, _ = cache()
    modest = [key("m1"), key("m2")]
    for each in modest:
        kept.keep(each, entry("modest", expires=1e9), 0.0)
    for now, (_, number, owner, size, _) in enumerate(steps):
        kept.keep(key(str(number)), entry(owner, size, 1e9), now)

    assert ["hit", "hit"] == [kept.find(each, TOOL, None, 1.0)[0] for each in modest]
