"""
Rates and quotas: how often, how much at once, and how much in a day.
"""
