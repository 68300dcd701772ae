"""
pandas: tables read, grouped, joined and resampled.
"""

from __future__ import annotations

import io
import tempfile
from typing import Any

import numpy as np
import pandas as pd
from toolcell_worker import tool


def _sales() -> pd.DataFrame:
    chance = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "when": pd.date_range("2024-01-01", periods=5000, freq="h", tz="Europe/Berlin"),
            "town": chance.choice(["Aachen", "Bonn", "Celle"], 5000),
            "price": chance.integers(100, 10_000, 5000),
        }
    )


@tool(effects="read_only")
def pandas_groups() -> Any:
    """
    Groups, pivots, joins, rolling windows, and months of a time zone.
    """
    sales = _sales()
    people = pd.DataFrame({"town": ["Aachen", "Bonn"], "people": [249_000, 331_000]})
    joined = sales.merge(people, on="town", how="left")
    monthly = sales.set_index("when").resample("MS")["price"].sum()
    pivot = sales.pivot_table(
        index=sales["when"].dt.dayofweek, columns="town", values="price", aggfunc="sum"
    )
    return [
        sales.groupby("town")["price"].agg(["sum", "min", "max", "count"]).to_dict(),
        int(joined["people"].isna().sum()),
        {key.isoformat(): int(value) for key, value in monthly.items()},
        pivot.to_dict("list"),
        float(sales["price"].rolling(24).mean().dropna().iloc[100]),
        sales.describe().to_json(),
        sales.query("price > 9900").head(3).to_string(),
    ]


@tool(effects="read_only")
def pandas_csv() -> Any:
    """
    CSV and JSON, written and read with both parsers, compressed and not.
    """
    sales = _sales()
    with tempfile.TemporaryDirectory() as folder:
        sales.to_csv(f"{folder}/sales.csv.gz", index=False)
        read = pd.read_csv(f"{folder}/sales.csv.gz", parse_dates=["when"])
        chunks = pd.read_csv(f"{folder}/sales.csv.gz", chunksize=900, engine="python")
        total = sum(int(chunk["price"].sum()) for chunk in chunks)
        sales.to_pickle(f"{folder}/sales.pickle")
        same = pd.read_pickle(f"{folder}/sales.pickle").equals(sales)
    text = sales.head(50).to_json(orient="records", date_format="iso")
    again = pd.read_json(io.StringIO(text))
    return [len(read), total, same, again.shape, str(read.dtypes["price"])]
