"""
How properties are tried here: as those of the egress, the same examples in each run, no clock.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(__file__).parents[3] / ".cache/hypothesis")
settings.register_profile("rates", database=None, deadline=None, derandomize=True, max_examples=200)
settings.load_profile("rates")
