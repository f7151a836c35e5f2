"""The journal of one repository, its owner, and the owner's door.

- `store`: `Journal` appends facts durably and follows them; `reader` reads them anywhere.
- `schema`, `writer`: the file and the one thread that writes it.
- `lease`: at most one process owns a repository.
- `control`: other processes send their commands to the owner.
"""
