"""What stands after the process was killed in the middle of appending."""

import contextlib

from longshift.journal.store import Journal


async def test_what_was_acknowledged_before_kill_9_is_there_once(path, clock, child, said):
    process = child("append", path)
    acknowledged = [process.stdout.readline() for _ in range(300)]
    process.kill()
    acknowledged += process.stdout.readlines()
    # The last line may be cut short: what it says was acknowledged, but not to us.
    pairs = [line.split() for line in acknowledged if line.endswith("\n")]
    process.wait()

    async with Journal.open(path, clock=clock) as journal:
        with contextlib.closing(journal.reader()) as reader:
            reader.check()
            found = {recorded.seq: recorded.event.message for recorded in reader.read()}
        assert len(pairs) >= 300
        assert all(found[int(seq)] == label for seq, label in pairs)
        assert sorted(found) == list(range(1, len(found) + 1))
        assert len(set(found.values())) == len(found)
        (recorded,) = await journal.append(said("life goes on"))
        assert recorded.seq == len(found) + 1
