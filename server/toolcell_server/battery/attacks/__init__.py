"""
The declarations of attacks, by subject.
"""
