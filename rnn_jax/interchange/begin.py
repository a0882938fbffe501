"""A training run from a model that comes from elsewhere: nothing of it has been trained here."""

from pathlib import Path

import numpy as np

from rnn_jax import begin, feeds, runs, text, train
from rnn_jax.errors import require
from rnn_jax.interchange.inward import Imported
from rnn_jax.recipe import Recipe
from rnn_jax.spec import Spec


def vocabulary_of(spec: Spec, given: str | None, said: tuple[str, ...] | None, paths: list[Path]) -> tuple[str, ...]:
    """The characters by their index: those given, or those that the file has, or those of the text, sorted.

    A model that predicts none has none.
    """
    if spec.predicts != "characters":
        require(
            given is None and not paths,
            f"the model predicts {spec.predicts}, and no characters: leave out --vocabulary and --text",
        )
        return ()
    if given is not None:
        known = given.encode("utf-8", "replace").decode()
        require(known == given, f"the vocabulary {known!r} is not UTF-8, but one of whole characters is right")
        doubled = sorted({each for each in given if given.count(each) > 1})
        require(
            not doubled, f"the vocabulary has {''.join(doubled)!r} more than once, but each character once is right"
        )
        return tuple(given)
    if said is None:
        require(
            bool(paths), "the file has no vocabulary: --vocabulary with the characters in order, or --text, is right"
        )
        return text.vocabulary(begin.read_texts(paths))
    return said


def begun(model: Imported, vocabulary: tuple[str, ...], paths: list[Path]) -> runs.Run:
    """The run before its first update, of these text files, or of none; raises InputError where sizes do not fit."""
    spec, count = model.spec, len(vocabulary)
    require(
        spec.D == spec.K == count or spec.predicts != "characters",
        f"the model reads {spec.D} and predicts {spec.K} characters, but the vocabulary has {count}: "
        "the same number is right",
    )
    require(
        runs.finite(model.params), "not all of its numbers are finite: weights that training has not lost are right"
    )
    recipe = Recipe(begin.usual(None).updates, dtype=str(np.asarray(model.params.V).dtype))
    source, feed, B = runs.Source(), feeds.Windows(1, 1), 1
    if paths:
        require(
            spec.directions == ("forward",),
            f"the model reads {' and '.join(spec.directions)}, but one that predicts the next character of a text may "
            "only read forward: leave out --text",
        )
        letters = begin.read_texts(paths)
        source = runs.Source("", tuple(map(str, paths)), begin.digest(letters), begin.HELD_OUT)
        trained_on = len(letters) - int(begin.HELD_OUT * len(letters)) - 1
        T, B = min(begin.T, trained_on), max(1, min(begin.B, trained_on // begin.T))
        feed, _ = begin.cut(letters, vocabulary, source, T, B)
    plan = train.Plan(spec, recipe, feed)
    return runs.Run(plan, source, vocabulary, B, train.begin(plan, model.params, B))
