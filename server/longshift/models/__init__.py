"""Models: the port that every role speaks through, and what answers behind it.

Owns endpoints, their keys, their failures, what calls cost, and the built-in rules. Must never
know runs, tasks, prompts or git: it sees messages and tools, and answers them.
"""
