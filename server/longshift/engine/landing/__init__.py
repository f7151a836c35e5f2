"""From a worker's submission to the run's head: merged, inspected, put there, and what it means.

`lander` is the way in. Nothing else of the engine moves a head while workers are at work.
"""
