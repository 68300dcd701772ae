"""
matplotlib without a display: pictures in memory and in files.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from toolcell_worker import tool


def _figure() -> Any:
    steps = np.linspace(0, 6.28, 500)
    figure, axes = plt.subplots(2, 2, figsize=(6, 4))
    axes[0, 0].plot(steps, np.sin(steps), label="sine")
    axes[0, 0].legend()
    axes[0, 1].hist(np.random.default_rng(5).standard_normal(1000), bins=30)
    axes[1, 0].imshow(np.outer(np.sin(steps), np.cos(steps)))
    axes[1, 1].bar(["a", "b"], [1, 2])
    figure.suptitle(r"Ümläuts and $\sum_i x_i^2$")
    figure.tight_layout()
    return figure


@tool(effects="read_only")
def matplotlib_png() -> Any:
    """
    A figure with text, formulas, an image and bars, as PNG.
    """
    file = io.BytesIO()
    figure = _figure()
    figure.savefig(file, format="png", metadata={"Software": None})
    plt.close(figure)
    return [hashlib.sha256(file.getvalue()).hexdigest(), len(file.getvalue())]


@tool(effects="read_only")
def matplotlib_files() -> Any:
    """
    A figure as PDF and SVG, and as PNG read back.
    """
    with tempfile.TemporaryDirectory() as folder, mpl.rc_context({"svg.hashsalt": "1"}):
        figure, axes = plt.subplots()
        axes.plot([1, 3, 2], label="märz")
        axes.legend()
        figure.savefig(f"{folder}/one.pdf", metadata={"CreationDate": None})
        figure.savefig(f"{folder}/one.svg", metadata={"Date": None})
        figure.savefig(f"{folder}/one.png")
        plt.close(figure)
        shape = plt.imread(f"{folder}/one.png").shape
        files = [Path(folder, f"one.{kind}").read_bytes() for kind in ("pdf", "svg")]
    return [shape, [hashlib.sha256(each).hexdigest() for each in files]]
