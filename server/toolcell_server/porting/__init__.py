"""
Takes registered tools from one server to another: export and import.
"""
