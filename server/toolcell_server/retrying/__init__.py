"""
Attempts that are followed by another: after what, when and how often.
"""
