"""The person's editors: whose text counts, who writes what was decided, and what guests lend.

Owns the picture of all that is open in them, and the conversation with those in other processes.
Must never lose unsaved text of any of them.
"""
