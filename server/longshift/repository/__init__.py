"""The ground floor: everything that Longshift knows of git, and nothing of runs.

Owns how a person's repository is looked at, the private store in which agents' objects live,
snapshots, workspaces, merging, landing and hunks. Must never write to the person's index, working
tree, branches or configuration; what it puts into their object database is named by
`refs/longshift/<name>/base` and `.../head` alone. Run ids are opaque names here.

Start with `worktree.Worktree.discover`, then `store.ObjectStore.open`; `snapshot.take_snapshot`
makes a commit of what the person has, `workspace.Workspace` is an agent's view of a commit, and
`landing.merge_submission` puts its edits on a moved head.
"""
