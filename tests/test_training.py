"""Training: it learns, and a run that was stopped goes on as if it never had been."""

import math
import re

import jax
import numpy as np
import pytest
from test_alphabet import column_parameters, update

from rnn_jax import checkpoint, cli, feeds, initial, runs, train
from rnn_jax.errors import InputError
from rnn_jax.recipe import OPTIMIZERS, SCHEDULES, Recipe, rates
from rnn_jax.spec import Spec

POEM = "a rose is a rose is a rose, said the nose that knows those rows of roses. " * 12


@pytest.fixture(autouse=True)
def promotion():
    """Optax mixes dtypes."""
    jax.config.update("jax_numpy_dtype_promotion", "standard")


@pytest.fixture
def poem(tmp_path):
    path = tmp_path / "poem.txt"
    path.write_text(POEM, encoding="utf-8")
    return path


def of_poem(path, **changes):
    recipe = Recipe(**{"updates": 60, "rate": 0.01, "clip_norm": 1.0, **changes})
    return runs.of_texts([path], recipe, cell="lstm", H=12, layers=2, T=10, B=4, held_out=0.1)


def in_three_parts(path, **changes):
    """A run that is cut in three."""
    size = train.chunk(of_poem(path)[0].plan, 4)
    return of_poem(path, updates=2 * size + 7, **changes)


def finished(run, material):
    for made, _ in runs.advance(run, material):
        run = made
    return run


# ---- what an update is fed ----


def test_windows_of_a_text_follow_one_another():
    indices = np.arange(2 * 3 * 4 + 1)
    feed, data = feeds.of_text(indices, T=4, B=2)
    assert (feed.T, feed.windows) == (4, 3)
    seen = [feed.batch(feeds.on_device(data), np.int32(step)) for step in range(4)]
    np.testing.assert_array_equal(seen[0].x.T, [[0, 1, 2, 3], [12, 13, 14, 15]])
    np.testing.assert_array_equal(seen[1].x.T, [[4, 5, 6, 7], [16, 17, 18, 19]])
    np.testing.assert_array_equal(seen[1].y, seen[1].x + 1)
    np.testing.assert_array_equal(seen[3].x, seen[0].x)
    assert [bool(batch.fresh) for batch in seen] == [True, False, False, True]


def test_the_hidden_state_is_carried_from_window_to_window():
    """Two windows in a row end in the same states as one of twice the length, where the weights stay as they are."""
    indices, ends = np.random.default_rng(0).integers(0, 5, 2 * 8 + 1), []
    with jax.enable_x64(True):
        for T, updates in ((4, 2), (8, 1)):
            feed, data = feeds.of_text(indices, T, B=2)
            spec = Spec(5, 6, 5, "gru", second_bias=True)
            plan = train.Plan(spec, Recipe(updates=9, optimizer="sgd", rate=1e-300, dtype="float64"), feed)
            params = initial.uniform(np.random.default_rng(1), 5, 6, 5, cell="gru", second_bias=True)
            state, losses = train.advance(plan, feeds.on_device(data), train.begin(plan, params, 2), updates)
            ends.append((state.hidden[0][0].h, float(losses.mean())))
    assert np.any(ends[0][0])
    # The same operations in another order: some eps of numbers below 1.
    np.testing.assert_allclose(ends[0][0], ends[1][0], rtol=0, atol=1e-14)
    assert ends[0][1] == pytest.approx(ends[1][1], rel=1e-14)


def test_a_text_that_is_too_short_is_told():
    with pytest.raises(InputError, match=r"10 characters, but 4 streams of 8 steps need 33"):
        feeds.of_text(np.arange(10), 8, 4)


def test_the_founding_run_goes_the_way_of_the_gradients_by_hand():
    with jax.enable_x64(True):
        run, material = runs.of_problem("alphabet", Recipe(updates=300, optimizer="sgd", rate=0.01, dtype="float64"))
        _, ours = train.advance(run.plan, material.data, run.state, 300)
    params, theirs = column_parameters(), []
    for _ in range(300):
        loss, params = update(params)
        theirs.append(loss)
    assert theirs[-1] < theirs[0] - 5
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)  # as in test_alphabet, where the same start is looked into


# ---- recipes ----


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns(poem, name):
    run, material = of_poem(poem, optimizer=name, rate=0.3 if name in ("sgd", "momentum", "adagrad") else 0.01)
    before = runs.validated(run, material)
    assert before == pytest.approx(math.log(len(run.vocabulary)), rel=0.1)
    assert runs.validated(finished(run, material), material) < 0.95 * before


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_begin_and_end_where_they_should(name):
    rate = rates(Recipe(updates=100, rate=0.5, schedule=name, warmup=10))
    assert float(rate(0)) == 0
    assert float(rate(10)) == pytest.approx(0.5)
    assert float(rate(100)) == pytest.approx(0.5 if name == "constant" else 0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimizer": "adamm"}, "the optimizer 'adamm' is unknown; one of sgd, "),
        ({"updates": 0}, "updates is 0, but 1 or more is right"),
        ({"rate": -1.0}, "the rate is -1.0, but more than 0"),
        ({"clip_norm": -1.0}, "clip_norm is -1.0, but 0 or more"),
        ({"momentum": 1.0}, "the momentum is 1.0"),
    ],
)
def test_what_cannot_be_is_told(changes, words):
    with pytest.raises(InputError, match=words):
        Recipe(**{"updates": 5, **changes})


# ---- going on ----


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_that_was_stopped_ends_in_the_same_bytes(poem, tmp_path, dtype):
    with jax.enable_x64(True):
        settings = {"dtype": dtype, "optimizer": "momentum", "schedule": "cosine"}
        run, material = in_three_parts(poem, **settings)
        whole = checkpoint.encode(runs.as_checkpoint(finished(run, material)))
        run, material = in_three_parts(poem, **settings)
        stops = 0
        while run.step < run.plan.recipe.updates:
            run, _ = next(iter(runs.advance(run, material)))
            runs.save(tmp_path, run)
            run = runs.load(tmp_path / "last.safetensors")
            material = runs.again(run)
            stops += 1
        assert stops == 3
        assert (tmp_path / "last.safetensors").read_bytes() == whole


def test_of_another_text_no_run_goes_on(poem, tmp_path):
    run, _ = of_poem(poem)
    runs.save(tmp_path, run)
    poem.write_text(POEM.replace("rose", "rosa"), encoding="utf-8")
    with pytest.raises(InputError, match="another text than the one"):
        runs.again(runs.load(tmp_path / "last.safetensors"))


def test_a_damaged_last_checkpoint_is_refused_and_the_one_before_it_offered(poem, tmp_path):
    run, material = in_three_parts(poem)
    for made, _ in runs.advance(run, material):
        runs.save(tmp_path, made, best=True)
    assert {f.name for f in tmp_path.glob("*.safetensors")} > {
        "last.safetensors",
        "last-1.safetensors",
        "best.safetensors",
    }
    last = tmp_path / "last.safetensors"
    last.write_bytes(last.read_bytes()[:-3])
    with pytest.raises(InputError, match=r"is damaged.*last-1.safetensors is whole"):
        runs.load(last)
    assert runs.load(tmp_path / "last-1.safetensors").step < run.plan.recipe.updates


# ---- the command ----


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def command(*words):
    return cli.app([str(word) for word in words], standalone_mode=False)


def test_the_command_trains_and_goes_on(here, capsys):
    assert command("train", "alphabet", "--updates", 300) == 0
    assert "300 of 300 updates" in capsys.readouterr().out
    whole = (here / "runs/alphabet/last.safetensors").read_bytes()
    assert command("train", "alphabet", "--resume") == 0
    assert (here / "runs/alphabet/last.safetensors").read_bytes() == whole
    assert command("train", "alphabet", "--updates", 200) == 0
    assert (here / "runs/alphabet/last.safetensors").read_bytes() == whole, "a second run has a folder of its own"
    assert "runs/alphabet-2/last.safetensors" in capsys.readouterr().out


def test_a_text_is_learnt_and_gone_on_with(here, poem, capsys):
    options = ("--hidden", 24, "--steps", 16, "--batch", 4, "--updates", 300, "--rate", 0.01)
    assert command("train", "--text", poem, *options) == 0
    assert "held out" in capsys.readouterr().out
    assert command("sample", "runs/poem/best.safetensors", "--prompt", "a rose is ", "--length", 20) == 0
    assert capsys.readouterr().out.startswith("a rose is a rose is a ro")
    drawn = []
    for seed in (1, 1, 2):
        command("sample", "runs/poem", "--prompt", "a", "--length", 60, "--temperature", 3, "--seed", seed)
        drawn.append(capsys.readouterr().out)
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_best_is_the_least_that_was_seen_however_it_goes_on(here, poem, monkeypatch):
    """Held-out losses that rise again: the best stays, and its checkpoint with it."""
    seen = iter([3.0, 1.0, 2.0, *[5.0] * 100])
    monkeypatch.setattr(runs, "validated", lambda run, material: next(seen))
    monkeypatch.setattr(train, "chunk", lambda plan, B: 10)
    assert command("train", "--text", poem, "--batch", 2, "--steps", 8, "--hidden", 4, "--updates", 200) == 0
    assert runs.load(here / "runs/poem/last.safetensors").best == 1.0
    best = runs.load(here / "runs/poem/best.safetensors")
    assert (best.best, best.step) == (1.0, 20)


REFUSED = {
    "nothing to train on": (("train",), "a PROBLEM or --text FILE is right"),
    "both": (("train", "alphabet", "--text", "poem.txt"), "a PROBLEM or --text FILE is right"),
    "no such problem": (("train", "alphabeth"), "the problem 'alphabeth' is unknown; one of learn, "),
    "no such file": (("train", "--text", "none.txt"), "none.txt cannot be read: No such file"),
    "an empty text": (("train", "--text", "empty.txt"), "0 different characters, but 2 or more are right"),
    "one character": (("train", "--text", "one.txt"), "1 different characters, but 2 or more are right"),
    "no text": (("train", "--text", "bytes.txt"), "bytes.txt is not UTF-8 text: byte 1 is 0xff"),
    "too short": (("train", "--text", "poem.txt", "--batch", 500), "fewer streams or shorter ones are right"),
    "a negative size": (
        ("train", "--text", "poem.txt", "--batch", 2, "--hidden", -3),
        "H is -3, but 1 or more is right",
    ),
    "a negative batch": (("train", "--text", "poem.txt", "--batch", -1), "B is -1, but 1 or more is right"),
    "no updates": (("train", "alphabet", "--updates", -5), "updates is -5, but 1 or more is right"),
    "no updates at all": (("train", "alphabet", "--updates", 0), "updates is 0, but 1 or more is right"),
    "no rate": (("train", "alphabet", "--rate", 0), "the rate is 0.0, but more than 0 is right"),
    "no dtype": (("train", "alphabet", "--dtype", "float16"), "the dtype 'float16' is unknown"),
    "nothing to go on with": (("train", "alphabet", "--resume"), "runs/alphabet/last.safetensors cannot be read"),
    "a setting that is the run's": (
        ("train", "alphabet", "--resume", "--rate", 0.1),
        "--rate 0.1 is given with --resume",
    ),
    "a folder that is a file": (("train", "alphabet", "--out", "poem.txt"), "poem.txt cannot be made: File exists"),
    "no checkpoint": (("sample", "poem.txt", "--prompt", "a"), "poem.txt is no checkpoint"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_told_in_a_sentence(here, poem, name):
    (here / "empty.txt").write_text("")
    (here / "one.txt").write_text("aaaaaa")
    (here / "bytes.txt").write_bytes(b"a\xff\xfe")
    words, sentence = REFUSED[name]
    with pytest.raises(InputError, match=re.escape(sentence)):
        command(*words)


def test_a_run_of_something_else_is_not_gone_on_with(here, poem):
    command("train", "alphabet", "--updates", 100)
    for other in (("hello",), ("--text", poem)):
        with pytest.raises(InputError, match=r"the run in runs/alphabet is of alphabet: rnn-jax train alphabet --out"):
            command("train", *other, "--out", "runs/alphabet", "--resume")


def test_a_prompt_beyond_the_vocabulary_is_told(here):
    command("train", "alphabet", "--updates", 100)
    with pytest.raises(InputError, match="the symbol 'ß' is not in the vocabulary, which is 'ABC"):
        command("sample", "runs/alphabet", "--prompt", "Aß")
    with pytest.raises(InputError, match="the length is -1"):
        command("sample", "runs/alphabet", "--prompt", "A", "--length", -1)
