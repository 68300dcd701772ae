"""
Tools that come at run time: what is registered becomes tools as those of any bundle.
"""
