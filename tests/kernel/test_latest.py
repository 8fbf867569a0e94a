"""What is made once for what a place says, and what is forgotten?"""

from supervisor_console.kernel.latest import Latest

made: list[str] = []


def told(kept: Latest[str], where: int, words: str) -> str:
    """What is kept of a place that says this; notes what had to be made."""

    def make() -> str:
        made.append(words)
        return f"<{words}>"

    return kept.of(where, words, make)


def test_of_a_place_only_what_it_said_last_is_kept() -> None:
    kept: Latest[str] = Latest(3)

    for number in range(100):
        assert told(kept, 1, f"version {number}") == f"<version {number}>"

    assert len(kept) == 1


def test_what_a_place_says_is_made_once_and_who_was_asked_for_least_lately_goes() -> None:
    kept: Latest[str] = Latest(3)
    made.clear()

    for where, words in [(1, "a"), (2, "b"), (3, "c"), (1, "a"), (4, "d"), (1, "a"), (2, "b")]:
        assert told(kept, where, words) == f"<{words}>"

    assert made == ["a", "b", "c", "d", "b"]
    assert len(kept) == 3


def test_what_was_forgotten_is_made_again() -> None:
    kept: Latest[str] = Latest(3)
    made.clear()
    told(kept, 1, "a")

    kept.clear()

    assert not len(kept)
    assert told(kept, 1, "a") == "<a>"
    assert made == ["a", "a"]
