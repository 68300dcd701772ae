"""
How many examples hypothesis tries of a property of the client: few in every run, many where
somebody asks for them with EVERY_EXAMPLE in the environment (`make examples`).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FEW = 30  # arbitrary; what is broken for one in ten inputs is found in nearly every run
MANY = 1000

# Without a deadline, whoever else uses the processor: no property is about time.
few = settings(
    max_examples=MANY if "EVERY_EXAMPLE" in os.environ else FEW,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
