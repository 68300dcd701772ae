from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from egress.bed import Bed, made
from egress.canaries import Canary, watching

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("bed")
    folder.chmod(0o755)
    with made(folder) as one:
        yield one


@pytest.fixture(scope="module")
def reporting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """
    A bed whose policy only reports.
    """
    folder = tmp_path_factory.mktemp("reporting")
    folder.chmod(0o755)
    with made(folder, policy="domains_report_only = true") as one:
        yield one


@pytest.fixture
def canary() -> Iterator[Canary]:
    with watching() as one:
        yield one
