"""Which changes of files take a word of the person's own, and why.

Pure: a flag follows from paths, from what a landing did and from where the head's links lead, so
it is stored nowhere. Whether a decision was such a word is for `decisions` to say.
"""

from collections.abc import Collection, Iterable, Mapping

from longshift.domain.state import Run
from longshift.places.spelling import folded
from longshift.repository.files import SUBMODULE, SYMLINK, FileDifference, FileVersion
from longshift.repository.links import Links, leads_out
from longshift.screening.protected import why_protected, why_protected_content

LEADS_OUT = "it is a link that leads out of the repository"
FETCHES = "git fetches another repository there"


def flag_of(
    names: Iterable[str],
    task_paths: Collection[str],
    before: FileVersion | None,
    after: FileVersion | None,
    links: Links,
) -> str:
    """Why a change of one file takes a word of its own; "": it does not.

    Args:
        names: every path that the file has had or will have; the last is the newest.
        task_paths: the paths that the change's task was given.
        before: the file before; None: there was none.
        after: the file after; None: there is none.
        links: those of the head, by which another program may come to the file.
    """
    known = list(names)
    for name in (one for path in known for one in (path, *_aliases(path, links))):
        if why := why_protected(name, task_paths):
            return why
    versions = [version for version in (before, after) if version is not None]
    if any(version.mode == SUBMODULE for version in versions):
        return FETCHES
    if after is not None and after.mode == SYMLINK and leads_out(known[-1], after.data, links):
        return LEADS_OUT
    old, new = (version.data if version is not None else None for version in (before, after))
    return why_protected_content(known[-1], old, new) or ""


def protected_paths(run: Run, change_id: str) -> dict[str, str]:
    """The paths of a change that take a word of their own, each with why, by their names alone."""
    change = run.changes[change_id]
    whys = {path: why_protected(path, task_paths(run, change_id)) for path in change.paths}
    return {path: why for path, why in whys.items() if why is not None}


def flags_in(
    run: Run, change_ids: Iterable[str], differences: Iterable[FileDifference], links: Links
) -> dict[str, str]:
    """The paths of some differences that take a word of their own, each with why.

    Args:
        run: the run.
        change_ids: the changes that the differences come from.
        differences: of files.
        links: those of the commit after.
    """
    changes = [run.changes[id_] for id_ in change_ids]
    found: dict[str, str] = {}
    for one in differences:
        names = [name for name in (one.old_path, one.path) if name is not None]
        for change in changes:
            if not set(names).isdisjoint(change.paths):
                tasks = task_paths(run, change.id)
                if flag := flag_of(names, tasks, one.old, one.new, links):
                    found[one.path] = flag
    return found


def task_paths(run: Run, change_id: str) -> Collection[str]:
    """The paths that a change's task was given."""
    task = run.tasks.get(run.changes[change_id].task_id)
    return task.plan.paths if task is not None else ()


def named(flags: Mapping[str, str]) -> str:
    """Flags in one line: `.envrc (your shell acts on it when you enter the folder), …`."""
    return ", ".join(f"{path} ({why})" for path, why in flags.items())


def _aliases(path: str, links: Links) -> Iterable[str]:
    """The names under which links lead to a path."""
    here = folded(path)
    for link, to in links.destinations.items():
        if to in ("", here) or here.startswith(f"{to}/"):
            yield f"{link}/{here.removeprefix(to).lstrip('/')}".rstrip("/")
