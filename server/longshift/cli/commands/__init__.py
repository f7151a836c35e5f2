"""The commands of `longshift`, one a module: its options, and what it says.

`cli.app` finds them by their names and imports none before it is called.
"""
