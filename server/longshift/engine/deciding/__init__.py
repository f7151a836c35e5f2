"""A person's decisions on hunks: intended, done to their text, and on record.

`decisions` is the way in. Nothing else of the engine writes into what is the person's.
"""
