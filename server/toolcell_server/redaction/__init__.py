"""
Takes secrets out of what leaves the server: results, output, messages, records.
"""

from toolcell_server.redaction.finder import REDACTED
from toolcell_server.redaction.redactor import Redactor
from toolcell_server.redaction.shapes import BUILTIN, Shape
from toolcell_server.redaction.stream import Stream

__all__ = ["BUILTIN", "REDACTED", "Redactor", "Shape", "Stream"]
