"""
Fuzzing of the parsers that read hostile bytes; README.md says how.
"""
