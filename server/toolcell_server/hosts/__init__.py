"""
Tools that live at clients: who offers them, and how calls get there and back.
"""
