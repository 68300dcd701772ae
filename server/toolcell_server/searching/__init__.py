"""
Finds tools by a user's own words.
"""
