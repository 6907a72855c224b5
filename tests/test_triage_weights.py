"""The weights learned from examples: deterministic, and mended where counting alone goes wrong."""

import pytest

from bot.triage import weights
from bot.triage.weights import Example, Weights

EXAMPLES = [
    Example(0, ("fake", "account", "school")),
    Example(0, ("fake", "profile", "teacher")),
    Example(1, ("hacked", "account", "school")),
    Example(1, ("hacked", "page", "locked")),
    Example(1, ("account", "locked")),
]


def _likeliest(learned: Weights, *features: str) -> int:
    scores = learned.scores(features)
    return scores.index(max(scores))


def test_each_example_is_nearest_to_its_own_label() -> None:
    learned = Weights(EXAMPLES, 2)
    assert [_likeliest(learned, *each.features) for each in EXAMPLES] == [each.label for each in EXAMPLES]


def test_the_same_examples_give_the_same_weights() -> None:
    one, other = Weights(EXAMPLES, 2), Weights(EXAMPLES, 2)
    assert [one.row(feature) for each in EXAMPLES for feature in each.features] == [
        other.row(feature) for each in EXAMPLES for feature in each.features
    ]


def test_scores_are_what_the_features_add_up_to() -> None:
    learned = Weights(EXAMPLES, 2)
    features = ("fake", "account", "profile", "teacher")
    rows = [learned.row(feature) or [0.0, 0.0] for feature in features]
    added = [sum(column) / learned.length(features) for column in zip(*rows, strict=True)]
    assert learned.scores(features) == pytest.approx(added)


def test_words_nobody_used_tell_nothing_and_make_a_score_smaller() -> None:
    learned = Weights(EXAMPLES, 2)
    assert learned.scores(("never", "heard")) == [0.0, 0.0]
    assert learned.row("never") is None
    assert max(learned.scores(("fake",))) > max(learned.scores(("fake", "never", "heard"))) > 0


def test_an_example_without_features_is_passed_over() -> None:
    assert Weights([*EXAMPLES, Example(1, ())], 2).scores(("fake",))[0] > 0


def test_the_passes_mend_what_counting_alone_gets_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many long examples of one label pull its centre away from a short one."""
    examples = [Example(0, ("a", f"x{n}", f"y{n}")) for n in range(8)]
    examples += [Example(0, ("b", "c")), *(Example(1, ("b", "c", "d")) for _ in range(4))]
    mended = Weights(examples, 2)
    monkeypatch.setattr(weights, "PASSES", 0)
    counted = Weights(examples, 2)

    def lead(learned: Weights) -> float:
        own, other = learned.scores(("b", "c"))
        return own - other

    assert lead(mended) > lead(counted)
