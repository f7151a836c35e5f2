"""What Longshift is about: goals, runs, tasks, changes, findings, and how they move.

Pure: no I/O, no clock, no randomness, and no import but pydantic. Everything else in the
project may import it; it imports nothing of the project but `longshift.errors`.
"""
