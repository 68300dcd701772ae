"""
What is known of each tool from the calls that it had.
"""
