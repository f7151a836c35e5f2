"""What `longshift watch` shows: all runs live, looked at from outside.

Owns the look, the drawing and the keys. Must never take a repository's ownership.
"""
