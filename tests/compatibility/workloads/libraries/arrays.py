"""
numpy: linear algebra by many threads, random numbers, transforms, and arrays in files.
"""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
from toolcell_worker import tool


def _rounded(array: Any) -> list[float]:
    return [float(f"{x:.9g}") for x in np.asarray(array).ravel()[:5]]


@tool(effects="read_only")
def numpy_linear_algebra() -> Any:
    """
    Products, solutions, eigenvalues and singular values of matrices.
    """
    chance = np.random.default_rng(1)
    matrix = chance.standard_normal((300, 300))
    symmetric = matrix @ matrix.T
    solved = np.linalg.solve(symmetric + 300 * np.eye(300), chance.standard_normal(300))
    return [
        _rounded(symmetric),
        _rounded(solved),
        _rounded(np.linalg.eigvalsh(symmetric)[::-1]),
        _rounded(np.linalg.svd(matrix, compute_uv=False)),
        float(f"{np.linalg.slogdet(matrix)[1]:.9g}"),
    ]


@tool(effects="read_only")
def numpy_random() -> Any:
    """
    Generators, new and old; sorting, sums, strings.
    """
    chance = np.random.default_rng(2)
    values = chance.exponential(size=200_000)
    old = np.random.RandomState(2).randint(0, 1000, 10_000)
    words, counts = np.unique(chance.choice(["ash", "elm", "fir"], 1000), return_counts=True)
    return [
        float(np.sort(values)[1000]).hex(),
        int(old.sum()),
        words.tolist(),
        counts.tolist(),
        _rounded(np.percentile(values, [5, 50, 95])),
    ]


@tool(effects="read_only")
def numpy_fourier_transform() -> Any:
    """
    A transform and back.
    """
    signal = np.sin(np.arange(2**16) * 0.01) + np.random.default_rng(3).standard_normal(2**16)
    spectrum = np.fft.rfft(signal)
    back = np.fft.irfft(spectrum)
    plane = np.fft.fft2(signal.reshape(256, 256))
    return [
        int(np.argmax(np.abs(spectrum))),
        bool(np.allclose(signal, back)),
        _rounded(np.abs(plane)),
    ]


@tool(effects="read_only")
def numpy_files() -> Any:
    """
    A mapped array, and arrays saved, compressed and loaded.
    """
    with tempfile.TemporaryDirectory() as folder:
        mapped = np.memmap(f"{folder}/mapped", dtype="f8", mode="w+", shape=(1000, 500))
        mapped[:] = np.arange(500_000).reshape(1000, 500)
        mapped.flush()
        del mapped
        again = np.memmap(f"{folder}/mapped", dtype="f8", mode="r", shape=(1000, 500))
        total = float(again.sum())
        del again
        np.savez_compressed(f"{folder}/two.npz", a=np.eye(50), b=np.arange(10))
        with np.load(f"{folder}/two.npz") as loaded:
            traces = [float(np.trace(loaded["a"])), int(loaded["b"].sum())]
        np.savetxt(f"{folder}/text.csv", np.eye(3), delimiter=",")
        text = np.loadtxt(f"{folder}/text.csv", delimiter=",")
    return [total, traces, text.tolist()]
