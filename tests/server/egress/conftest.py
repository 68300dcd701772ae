"""
How properties are tried here: the same examples in each run, no clock, as hosts may be busy, and
nothing left in the tree.  New examples are the business of `make fuzz`.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

# Hypothesis would make a folder of its own in the tree; what make makes lies in .cache.
set_hypothesis_home_dir(Path(__file__).parents[3] / ".cache/hypothesis")
settings.register_profile(
    "egress", database=None, deadline=None, derandomize=True, max_examples=200
)
settings.load_profile("egress")
