"""Who drives a repository's runs: one process, found, reached, started, or kept alive by others.

Must never let two processes drive.
"""
