"""
Tools that stand in for another, that failed or was refused.
"""
