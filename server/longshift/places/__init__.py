"""Names and folders of file systems: what a name is taken for, and reaching a file without links.

Lowest room: knows neither git nor runs, and imports nothing of Longshift.
"""
