"""How fast somebody may go on asking: a bucket of tokens that fills at an even rate.

Pure: the caller says what time it is, and waits. Must never refuse anything: who goes too fast is
only slowed down, so that what they sent waits on their own side.
"""


class Pace:
    """Lets `burst` pass at once, and `per_s` a second from then on."""

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        """Begin with a full bucket.

        Args:
            per_s: how many may pass a second in the long run.
            burst: how many may pass at once after a rest.
            now_s: seconds on a clock that never goes back.
        """
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_s = now_s

    def wait_s(self, n: float, now_s: float) -> float:
        """Let `n` pass; gives the seconds to wait before anything more is taken."""
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s) - n
        self._at_s = now_s
        return max(0.0, -self._left / self._per_s)
