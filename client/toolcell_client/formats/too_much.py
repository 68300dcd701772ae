"""
What a model is told that wrote more than fits.  Pure.
"""

from __future__ import annotations

from toolcell_client.formats.pieces import CALLS

TOO_LONG = "The arguments of all your calls are too long together; nothing ran. Send less at once."
TOO_MANY = (
    f"Your response has more than {CALLS} calls; this one did not run, nor did any after it."
    " Send them again, fewer at once."
)
