"""
Tools by voice: a session of OpenAI Realtime whose calls run on a toolcell server.
"""

from toolcell_client.voice.dialogue import Dialogue
from toolcell_client.voice.instructions import instructions
from toolcell_client.voice.languages import LANGUAGES, Language
from toolcell_client.voice.lint import Finding, lint
from toolcell_client.voice.options import BargeIn, VoiceOptions
from toolcell_client.voice.session import NobodySends, VoiceSession
from toolcell_client.voice.speakable import speakable

__all__ = [
    "LANGUAGES",
    "BargeIn",
    "Dialogue",
    "Finding",
    "Language",
    "NobodySends",
    "VoiceOptions",
    "VoiceSession",
    "instructions",
    "lint",
    "speakable",
]
