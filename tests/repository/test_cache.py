"""What a cache holds, and for how long."""

from longshift.repository.cache import AGE_S, Cache


class Clock:
    """Stands still until it is told."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def held(cache: Cache[str, int], keys: str) -> str:
    """Which of the keys it holds; asks in order, which counts as use."""
    return "".join(key for key in keys if cache.find(key) is not None)


def filled(keys: str, limit: int = 100) -> tuple[Cache[str, int], Clock]:
    clock = Clock()
    cache = Cache[str, int](limit, size=lambda value: value, clock=clock)
    for key in keys:
        cache.put(key, 10)
    return cache, clock


def test_a_value_is_computed_once() -> None:
    cache, _ = filled("")
    asked: list[str] = []

    def compute(key: str) -> int:
        asked.append(key)
        return 7

    assert [cache.get("a", compute), cache.get("a", compute)] == [7, 7]
    assert asked == ["a"]


def test_beyond_the_limit_what_was_used_longest_ago_goes() -> None:
    cache, _ = filled("abc", limit=30)
    cache.find("a")
    cache.put("d", 10)
    assert held(cache, "abcd") == "acd"


def test_a_value_above_the_limit_is_not_held() -> None:
    cache, _ = filled("ab", limit=30)
    cache.put("c", 31)
    assert held(cache, "abc") == "ab"


def test_what_nobody_used_for_two_ages_goes_as_others_come() -> None:
    cache, clock = filled("ab")
    for key in "cde":
        clock.now_s += AGE_S
        cache.find("a")
        cache.put(key, 10)
    assert held(cache, "abcde") == "ade"


def test_where_nothing_comes_all_stays() -> None:
    cache, clock = filled("ab")
    clock.now_s += 1000 * AGE_S
    assert held(cache, "ab") == "ab"


def test_the_old_go_before_the_used_beyond_the_limit() -> None:
    cache, clock = filled("ab", limit=30)
    clock.now_s += AGE_S
    cache.put("c", 10)
    cache.find("a")
    cache.put("d", 10)
    assert held(cache, "abcd") == "acd"


def test_one_that_grew_old_is_not_held_twice() -> None:
    cache, clock = filled("a", limit=30)
    clock.now_s += AGE_S
    cache.put("b", 10)
    cache.put("a", 10)
    cache.put("c", 10)
    assert held(cache, "abc") == "abc"


def test_replaced_dropped_and_cleared_at_any_age() -> None:
    cache, clock = filled("abc", limit=60)
    clock.now_s += AGE_S
    cache.put("d", 10)
    cache.replace("a", 20)
    assert cache.find("a") == 20
    cache.drop(lambda key: key in "bd")
    assert held(cache, "abcd") == "ac"
    cache.put("e", 30)  # what went gave its room back
    assert held(cache, "ace") == "ace"
    cache.clear()
    assert held(cache, "ace") == ""
