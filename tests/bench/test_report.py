"""
README says what was measured, and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench import drawing, report
from bench.bed import Found
from bench.quantities import Curve, Growth, Measured, Row

ROOT = Path(__file__).parents[2]


@pytest.fixture
def found() -> Found:
    found = Found()
    found.number("Run", 1, [Measured([0.001, 0.002], 1.0, [])])
    found.rows = [
        Row(what="a ratio", measured=2.0, aim=2.5),
        Row(what="a rate", measured=100.0, aim=300.0, at_least=True, unit=" MB/s", detail="slow"),
    ]
    curve = Curve("Run", [(1, 0.5), (10, 0.7), (10_000, float("nan"))])
    found.growths = [Growth("Tools", "tools", "p50, ms", [curve])]
    found.left_out = [("nsjail", "in no package registry")]
    return found


def test_readme_shows_what_the_page_says() -> None:
    page = (ROOT / "docs/benchmarks/calls.md").read_text()
    shown = report.marked((ROOT / "README.md").read_text())
    assert shown
    assert shown == report.marked(page)


def test_the_page_tells_every_row_its_aim_and_whether_it_was_met(found: Found) -> None:
    page = report.page(found, 60)
    assert "| a ratio | 2.00 | ≤ 2.5 | met |" in page
    assert "| a rate | 100 MB/s (slow) | ≥ 300 MB/s | MISSED by more than 1.5x |" in page
    assert "1 of 2 aims are met." in report.marked(page)
    assert "* nsjail: in no package registry" in page


def test_text_without_marks_has_nothing_marked() -> None:
    assert report.marked("no marks") == ""
    assert report.marked(f"{report.END} {report.BEGIN}") == ""


def test_the_plot_is_well_formed_and_shows_each_value(found: Found) -> None:
    picture = drawing.picture([("Run <1>", 1.5), ("echo", 0.4)], found.growths)
    root = ET.fromstring(picture)
    texts = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Run <1>", "1.50", "0.40", "Tools: p50, ms"} <= texts


def test_more_is_never_drawn_shorter() -> None:
    scale = drawing.Scale([0.4, 380.0], 0, 100)
    places = [scale.at(value) for value in (0.4, 1.0, 13.0, 380.0)]
    assert places == sorted(places)
    assert 0 <= places[0] <= places[-1] <= 100
