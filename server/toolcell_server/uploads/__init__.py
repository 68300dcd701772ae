"""
Python code that callers upload: checked, kept and unpacked, and never run here.
"""
