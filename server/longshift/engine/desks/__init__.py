"""Where each agent of a run sits: what it is shown, what it asks, and what comes of it.

`planning`, `working` and `judging` are the ways in, a role each; `desk` is what they share. Nothing
here decides what is to be done next: `domain.decide` does.
"""
