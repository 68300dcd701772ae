"""
Results that are kept: whose, of what and for how long.
"""
