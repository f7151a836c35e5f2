"""What passes from the private store into the person's repository, and how it leaves again.

Owns every write there: packs in their object database, `refs/longshift/<name>/base` and
`.../head`, and the branch that a person asks for. Order keeps their repository sound at each
moment: a pack stands, whole and on disk, before a ref names it, and refs go before the packs that
they named. Hooks never run.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pygit2

from longshift.errors import NeedsPerson
from longshift.repository.gitcommand import run_git
from longshift.repository.handles import open_repository, refs_of
from longshift.repository.objects import Objects
from longshift.repository.worktree import Worktree

# Another run's landing writes its objects moments before a head names them.
_GRACE: Final = "10.minutes.ago"
PACK_SUFFIXES: Final = (".pack", ".rev", ".mtimes", ".bitmap", ".idx")


def publish(objects: Objects, worktree: Worktree, name: str, *, base: str, head: str) -> None:
    """Put a run's base and head into the person's repository.

    Every object that they reach and that is missing there goes in as one pack, fsynced; then the
    refs are set, base first. Doing it again, or after a crash at any point, is harmless.

    Args:
        objects: the private store's.
        worktree: the person's.
        name: the run.
        base: commit that the run started from.
        head: commit that it has reached.

    Raises:
        NeedsPerson: git refused, a ref is locked, or the disk is full.
    """
    try:
        _publish(objects, worktree, name, base, head)
    except (OSError, pygit2.GitError) as error:
        raise NeedsPerson(
            f"{name} could not be published in {worktree.root}: {error}. Its work is kept in "
            f"{objects.git_dir}, and nothing else of yours was changed. If a lock file is named "
            "and no git command is running, remove it; then resume the run."
        ) from error


def publish_branch(
    objects: Objects, worktree: Worktree, name: str, *, branch: str, commit: str, base: str | None
) -> None:
    """Put commits into the person's repository as a new branch.

    Every object goes in as one pack, fsynced, before the branch names them. No hook runs.

    Args:
        objects: the private store's.
        worktree: the person's.
        name: the run that they come from; when it is forgotten, what the branch needs stays.
        branch: the branch's name; there is none yet.
        commit: what it shall name.
        base: the commit of theirs that it stands on; None: it stands on nothing.

    Raises:
        NeedsPerson: git refused, such a branch has come to be, or the disk is full.
    """
    wanted = f"{commit}\n" + (f"--not\n{base}\n" if base else "")
    try:
        _move_pack(objects.git_dir, worktree, name, wanted)
    except OSError as error:
        raise NeedsPerson(
            f"The commits for {branch} could not be put into {worktree.root}: {error}. No branch "
            "was made. Make room, or mend the cause, then export again."
        ) from error
    arguments = ["update-ref", "-m", f"longshift export {name}", f"refs/heads/{branch}", commit]
    # By all zeros git knows that there must be none: a branch made meanwhile is not overwritten.
    run_git(
        [*arguments, "0" * 40], cwd=worktree.common_dir, environment=_git_dir(worktree.common_dir)
    )


def forget(objects: Objects, worktree: Worktree, name: str) -> None:
    """Remove a run from both repositories.

    From the person's: its refs, and each pack that `publish` wrote and that still stands as such;
    what else of theirs has come to need of it (a branch made from the head, an accepted text that
    they committed) is kept in a pack of its own. A pack that git has merged with others since
    can't be taken apart: the run's objects there are unreachable and go with git's own next prune.
    From the store: its refs and whatever no other run needs; while other runs have heads, loose
    objects younger than ten minutes stay until the next `forget`, for a landing may be under way.
    """
    theirs = open_repository(worktree.common_dir)
    for repository in (theirs, objects.repository):
        for ref in list(refs_of(repository).iterator()):
            if ref.name.startswith(f"refs/longshift/{name}/"):
                ref.delete()
    _remove_published_packs(objects.git_dir, worktree, name)
    others = any(ref.startswith("refs/longshift/") for ref in refs_of(objects.repository))
    repack(objects.git_dir)
    run_git(["prune", f"--expire={_GRACE if others else 'now'}"], cwd=objects.git_dir)
    objects.close()


def repack(git_dir: Path) -> None:
    """Pack the store's reachable objects into one pack; loose unreachable ones stay.

    Nothing is lost where agents land meanwhile, for packs that no ref leads to yet are marked as
    kept; but readers wait for the objects that go, up to a tenth of a second.
    """
    arguments = ["repack", "-a", "-d", "-l", "-q"]
    # One thread, behind all others: on two processors it would make an editor's key wait.
    run_git(arguments, cwd=git_dir, configuration=["pack.threads=1"], is_patient=True)


def _publish(objects: Objects, worktree: Worktree, name: str, base: str, head: str) -> None:
    theirs = open_repository(worktree.common_dir)
    refs = {f"refs/longshift/{name}/base": base, f"refs/longshift/{name}/head": head}
    present = [_target(theirs, ref) for ref in refs] + objects.parents_of(base)
    whole = [commit for commit in present if commit is not None and commit in theirs.odb]
    wanted = f"{head}\n{base}\n--not\n" + "".join(f"{commit}\n" for commit in whole)
    _move_pack(objects.git_dir, worktree, name, wanted)
    theirs = open_repository(worktree.common_dir)  # sees the new pack at once
    for ref, commit in refs.items():
        if _target(theirs, ref) != commit:
            refs_of(theirs).create(ref, commit, force=True)


def is_published(worktree: Worktree, name: str) -> bool:
    """Tell whether the person's repository has refs of a run."""
    theirs = open_repository(worktree.common_dir)
    return any(ref.startswith(f"refs/longshift/{name}/") for ref in refs_of(theirs))


def _target(repository: pygit2.Repository, ref: str) -> str | None:
    reference = refs_of(repository).get(ref)
    return None if reference is None else str(reference.target)


def _move_pack(git_dir: Path, worktree: Worktree, name: str, wanted: str) -> None:
    """Pack what is missing there, note the pack's name, and move it over."""
    outgoing = git_dir / "outgoing"
    outgoing.mkdir(exist_ok=True)
    arguments = [
        "pack-objects",
        "--revs",
        "--local",
        "--non-empty",
        "--quiet",
        "--delta-base-offset",
    ]
    answer = run_git(
        [*arguments, str(outgoing / "pack")],
        cwd=git_dir,
        configuration=["core.fsync=all"],
        input_data=wanted.encode("ascii"),
    )
    if pack := answer.output.decode("ascii").strip():
        # Noted before it is moved: a pack of ours that we don't know of could never be removed.
        _note(git_dir, name, f"pack-{pack}")
        _move(outgoing, worktree.common_dir / "objects" / "pack", f"pack-{pack}")


def _note(git_dir: Path, name: str, pack: str) -> None:
    notes = _notes(git_dir, name)
    notes.parent.mkdir(exist_ok=True)
    with notes.open("a", encoding="ascii") as file:
        file.write(pack + "\n")
        file.flush()
        os.fsync(file.fileno())


def noted_packs(git_dir: Path) -> Iterator[str]:
    """The packs that were moved into the person's repository, or were about to be."""
    for notes in (git_dir / "published").glob("*"):
        yield from notes.read_text(encoding="ascii").split()


def _notes(git_dir: Path, name: str) -> Path:
    return git_dir / "published" / name


def _move(source: Path, target: Path, pack: str) -> None:
    target.mkdir(exist_ok=True)
    for suffix in PACK_SUFFIXES:  # the index last: it is what makes git see the pack
        file = source / (pack + suffix)
        if file.exists():
            file.replace(target / file.name)
    _sync_folder(target)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders can't be opened there, and renames are journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_published_packs(git_dir: Path, worktree: Worktree, name: str) -> None:
    notes = _notes(git_dir, name)
    if not notes.is_file():
        return
    folder = worktree.common_dir / "objects" / "pack"
    noted = notes.read_text(encoding="ascii").split()
    packs = [pack for pack in noted if (folder / (pack + ".idx")).is_file()]
    if packs and (needless := _unreachable(worktree)) is not None:
        needed = {oid for pack in packs for oid in _pack_contents(folder, pack)} - needless
        if needed:
            kept = _keep(worktree, needed)
            for other in notes.parent.iterdir():  # of theirs it may be all that another run needs
                _note(git_dir, other.name, kept)
        for pack in packs:
            for suffix in reversed(PACK_SUFFIXES):
                (folder / (pack + suffix)).unlink(missing_ok=True)
    notes.unlink()


def _unreachable(worktree: Worktree) -> set[str] | None:
    """Give what nothing in the person's repository needs; None where that can't be told."""
    cwd = worktree.common_dir
    arguments = ["fsck", "--connectivity-only", "--unreachable", "--no-dangling", "--no-progress"]
    answer = run_git(arguments, cwd=cwd, environment=_git_dir(cwd), accept=range(256))
    if answer.status != 0:
        return None
    lines = answer.output.decode("ascii", "replace").splitlines()
    unreachable = {line.split()[2] for line in lines if line.startswith("unreachable ")}
    # fsck reads one worktree's index; git before 2.41 forgets the others'.
    staged = run_git(
        ["rev-list", "--objects", "--indexed-objects", "--no-object-names"],
        cwd=cwd,
        environment=_git_dir(cwd),
    )
    return unreachable - set(staged.output.decode("ascii").split())


def _pack_contents(folder: Path, pack: str) -> list[str]:
    index = (folder / (pack + ".idx")).read_bytes()
    answer = run_git(["show-index"], cwd=folder, input_data=index)
    return [line.split()[1] for line in answer.output.decode("ascii").splitlines()]


def _keep(worktree: Worktree, needed: Iterable[str]) -> str:
    """Pack these objects anew; gives the pack's name."""
    cwd = worktree.common_dir
    listed = "".join(f"{oid}\n" for oid in sorted(needed))
    arguments = ["pack-objects", "--quiet", "--delta-base-offset", str(cwd / "objects/pack/pack")]
    answer = run_git(
        arguments, cwd=cwd, environment=_git_dir(cwd), input_data=listed.encode("ascii")
    )
    return "pack-" + answer.output.decode("ascii").strip()


def _git_dir(common_dir: Path) -> dict[str, str]:
    return {"GIT_DIR": str(common_dir)}
