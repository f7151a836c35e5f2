"""The command line: one module for each command, and what they share.

- `main` is the console script; `app` finds the command that was named.
- `session` reaches a repository's runs, `watching` follows one, `views` show it.
- `told` puts events into words, `frame` draws the live view, `ending` says how a run ended.

Owns words, tables and exit statuses. Must never decide what a run does: it sends commands.
"""
