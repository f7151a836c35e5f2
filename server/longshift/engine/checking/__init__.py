"""What says without a person whether a head is sound: checks, and a look at the tests themselves.

Owns finding the checks of a repository, reading what they print, holding it against the run's
base, and telling a flaky check from a failing one and honest work from a check that was turned
off. Must never count against a run what stood before it.
"""
