from pathlib import Path

import pytest

from longshift.errors import NeedsPerson
from longshift.repository.store import ObjectStore
from longshift.repository.worktree import Worktree
from tests.support.repository_git import GitRepository


def test_from_a_folder_beneath(person: GitRepository) -> None:
    commit = person.commit({"a/b/c": b"x"})
    worktree = Worktree.discover(person.root / "a" / "b")
    assert worktree.root.samefile(person.root)
    assert worktree.common_dir.samefile(person.root / ".git")
    assert worktree.state_dir == worktree.common_dir / "longshift"
    assert (worktree.head_commit(), worktree.branch()) == (commit, "main")
    person.git("checkout", "-q", "--detach")
    assert (worktree.head_commit(), worktree.branch()) == (commit, None)


def test_no_commit_yet(person: GitRepository) -> None:
    worktree = Worktree.discover(person.root)
    assert (worktree.head_commit(), worktree.branch()) == (None, "main")


@pytest.mark.parametrize("bare", [False, True])
def test_linked_worktrees_share_one_state(
    tmp_path: Path, person: GitRepository, bare: bool
) -> None:
    person.commit({"f": b"x\n"})
    main = person
    if bare:
        person.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
        main = GitRepository(tmp_path / "bare.git")
    main.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    worktree = Worktree.discover(tmp_path / "linked")
    assert worktree.root.samefile(tmp_path / "linked")
    assert worktree.branch() == "other"
    expected = main.root if bare else main.root / ".git"
    assert worktree.common_dir.samefile(expected)
    store = ObjectStore.open(worktree)
    head = worktree.head_commit()
    assert head is not None
    store.publish("R1", base=head, head=head)
    assert main.git("rev-parse", "refs/longshift/R1/head").strip() == head
    store.close()
    main.assert_sound()


def test_what_can_not_be_worked_on(tmp_path: Path, person: GitRepository) -> None:
    GitRepository.create(tmp_path / "bare", "--bare")
    GitRepository.create(tmp_path / "sha256", "--object-format=sha256")
    (tmp_path / "plain").mkdir()
    for name, message in {
        "nowhere": "no folder",
        "plain": "git init",
        "bare": "git worktree add",
        "sha256": "SHA-1",
    }.items():
        with pytest.raises(NeedsPerson, match=message):
            Worktree.discover(tmp_path / name)


@pytest.mark.parametrize("operation", ["merge", "cherry-pick", "revert", "rebase", "am", "bisect"])
def test_operations_in_progress(person: GitRepository, operation: str) -> None:
    first = person.commit({"f": b"base\n"})
    person.git("checkout", "-q", "-b", "side")
    side = person.commit({"f": b"side\n"})
    patch = person.git_bytes("format-patch", "--stdout", "-1")
    person.git("checkout", "-q", "main")
    person.commit({"f": b"main\n"})
    worktree = Worktree.discover(person.root)
    assert worktree.operation_in_progress() is None
    commands = {
        "merge": ["merge", "side"],
        "cherry-pick": ["cherry-pick", "side"],
        "revert": ["revert", "--no-edit", first],
        "rebase": ["rebase", side],
        "am": ["am", "-q"],
        "bisect": ["bisect", "start"],
    }
    person.git(*commands[operation], stdin=patch, check=False)
    assert worktree.operation_in_progress() == operation
