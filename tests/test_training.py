"""Training: it learns, and a run that was stopped goes on as if it never had been."""

import copy
import errno
import math
import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_alphabet import column_parameters, update

from rnn_jax import (
    begin,
    checkpoint,
    cli,
    cli_train,
    drawn,
    feeds,
    folders,
    initial,
    metrics,
    problems,
    runs,
    saved,
    train,
)  # fmt: skip
from rnn_jax.cells import CELLS
from rnn_jax.errors import InputError
from rnn_jax.noise import Rates
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
    return begin.of_texts([path], recipe, begin.Sizes("lstm", 12, 2, T=10, B=4))


def in_three_parts(path, **changes):
    """A run that is cut in three."""
    size = train.chunk(of_poem(path)[0].plan, 4)
    return of_poem(path, updates=2 * size + 7, **changes)


def finished(run, material):
    while not runs.over(run):
        run, _ = runs.advance(run, material)
    return run


# ---- what an update is fed ----


def test_windows_of_a_text_follow_one_another():
    indices = np.arange(2 * 3 * 4 + 1)
    feed, data = feeds.of_text(indices, T=4, B=2)
    assert (feed.T, feed.count) == (4, 3)
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


def test_how_a_file_ends_its_lines_and_marks_its_bytes_is_no_part_of_a_text(tmp_path):
    for name, data in (("a", b"to be\nor not\n"), ("b", b"\xef\xbb\xbfto be\r\nor not\r\n")):
        (tmp_path / name).write_bytes(data)
    assert begin.read_texts([tmp_path / "a"]) == begin.read_texts([tmp_path / "b"]) == "to be\nor not\n"


def test_the_founding_run_goes_the_way_of_the_gradients_by_hand():
    with jax.enable_x64(True):
        run, material = begin.of_problem("alphabet", Recipe(updates=300, optimizer="sgd", rate=0.01, dtype="float64"))
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
    assert before.loss == pytest.approx(math.log(len(run.vocabulary)), rel=0.1)
    assert runs.validated(finished(run, material), material).loss < 0.95 * before.loss


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
        ({"rate": 1e300}, r"rate is 1e\+300, but float32 holds no number beyond 3.4e\+38"),
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
        whole = checkpoint.encode(saved.as_checkpoint(finished(run, material)))
        run, material = in_three_parts(poem, **settings)
        stops = 0
        while run.step < run.plan.recipe.updates:
            run, _ = runs.advance(run, material)
            saved.save(tmp_path, run)
            run = saved.load(tmp_path / "last.safetensors")
            material = begin.again(run)
            stops += 1
        assert stops == 3
        assert (tmp_path / "last.safetensors").read_bytes() == whole


def test_a_run_goes_on_for_longer_as_if_it_had_been_meant_to(here, poem):
    small = ("train", "--text", poem, "--hidden", 8, "--batch", 2, "--steps", 5)
    command(*small, "--updates", 90, "--out", "long")
    command(*small, "--updates", 40, "--out", "short")
    going_on = ("train", "--text", poem, "--out", "short", "--resume", "--updates")
    command(*going_on, 90)
    assert (here / "short/last.safetensors").read_bytes() == (here / "long/last.safetensors").read_bytes()
    with pytest.raises(InputError, match=r"--updates is 50, but the run has made 90: as many or more is right"):
        command(*going_on, 50)
    command(*small, "--updates", 40, "--schedule", "linear", "--out", "linear")
    with pytest.raises(InputError, match="the linear schedule takes the rate to 0 at 40: only a run with a constant"):
        command("train", "--text", poem, "--out", "linear", "--resume", "--updates", 90)


def test_of_another_text_no_run_goes_on(poem, tmp_path):
    run, _ = of_poem(poem)
    saved.save(tmp_path, run)
    poem.write_text(POEM.replace("rose", "rosa"), encoding="utf-8")
    with pytest.raises(InputError, match="another text than the one"):
        begin.again(saved.load(tmp_path / "last.safetensors"))


def test_a_damaged_last_checkpoint_is_refused_and_the_one_before_it_offered(poem, tmp_path):
    run, material = in_three_parts(poem)
    while not runs.over(run):
        run, _ = runs.advance(run, material)
        saved.save(tmp_path, run, best=True)
    assert {f.name for f in tmp_path.glob("*.safetensors")} > {
        "last.safetensors",
        "last-1.safetensors",
        "best.safetensors",
    }
    last = tmp_path / "last.safetensors"
    last.write_bytes(last.read_bytes()[:-3])
    with pytest.raises(InputError, match=r"is damaged.*last-1.safetensors is whole"):
        saved.load(last)
    assert saved.load(tmp_path / "last-1.safetensors").step < run.plan.recipe.updates


@pytest.fixture(scope="module")
def well_formed(tmp_path_factory):
    """A checkpoint that has lost nothing."""
    path = tmp_path_factory.mktemp("poem") / "poem.txt"
    path.write_text(POEM, encoding="utf-8")
    return saved.as_checkpoint(of_poem(path)[0])


LOST = {
    "all settings": (lambda meta, arrays: meta.clear(), "there is no 'spec'"),
    "its source": (lambda meta, arrays: meta.pop("source"), "there is no 'source'"),
    "its vocabulary": (lambda meta, arrays: meta.pop("vocabulary"), "there is no 'vocabulary'"),
    "a list of it": (lambda meta, arrays: meta.update(vocabulary=7), "'int' object is not iterable"),
    "letters": (lambda meta, arrays: meta.update(vocabulary=["a"]), "the vocabulary has 1 characters, but D = "),
    "its mapping": (lambda meta, arrays: meta.update(spec="lstm"), "string indices must be integers"),
    "a whole number": (lambda meta, arrays: meta["spec"].update(D="6"), "D is '6', but a whole number is right"),
    "its steps": (lambda meta, arrays: meta["feed"].update(T=0), "T is 0, but 1 or more is right"),
    "its windows": (lambda meta, arrays: meta["feed"].update(count=0), "count is 0, but 1 or more is right"),
    "its streams": (lambda meta, arrays: meta.update(B=None), "B is None, but a whole number is right"),
    "its problem": (lambda meta, arrays: meta["source"].update(problem="zzz"), "the problem 'zzz' is unknown"),
    "its weights": (lambda meta, arrays: arrays["state/params/V"].fill(np.nan), "not all weights are finite numbers"),
    "its place": (lambda meta, arrays: arrays["state/step"].fill(-5), "updates made is -5, but 0 or more is right"),
    "its end": (lambda meta, arrays: arrays["state/step"].fill(61), "updates made is 61, but 60 or less is right"),
}


@pytest.mark.parametrize("name", LOST)
def test_a_checkpoint_that_is_whole_but_makes_no_sense_is_refused(well_formed, name):
    meta = copy.deepcopy(well_formed.meta)
    arrays = {key: np.array(value) for key, value in well_formed.arrays.items()}
    lose, words = LOST[name]
    lose(meta, arrays)
    with pytest.raises(InputError, match=rf"^it does not fit together: .*{re.escape(words)}") as told:
        saved.of_checkpoint(checkpoint.Checkpoint(arrays, meta), "it")
    assert "\n" not in str(told.value)


def test_a_checkpoint_of_other_windows_than_its_text_has_is_not_gone_on_with(poem):
    run, _ = of_poem(poem)
    other = replace(run, plan=replace(run.plan, feed=feeds.Windows(10, 999, True)))
    with pytest.raises(InputError, match="its data ask for Windows"):
        begin.again(other)


# ---- the command ----


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def command(*words):
    return cli.app([str(word) for word in words], standalone_mode=False)


def test_where_jax_computes_already_the_command_takes_the_devices_that_there_are(here, monkeypatch, capsys):
    jax.devices()
    monkeypatch.setattr(cli_train, "cores", lambda: 3)
    assert command("train", "alphabet", "--updates", 100) == 0
    assert "100 of 100 updates" in capsys.readouterr().out
    assert len(jax.devices()) == 2


def test_the_command_trains_and_goes_on(here, capsys):
    assert command("train", "alphabet", "--updates", 300) == 0
    assert "300 of 300 updates" in capsys.readouterr().out
    whole = (here / "runs/alphabet/last.safetensors").read_bytes()
    assert command("train", "alphabet", "--resume") == 0
    assert (here / "runs/alphabet/last.safetensors").read_bytes() == whole
    assert command("train", "alphabet", "--updates", 200) == 0
    assert (here / "runs/alphabet/last.safetensors").read_bytes() == whole, "a second run has a folder of its own"
    assert "runs/alphabet-2/last.safetensors" in capsys.readouterr().out
    assert command("train", "alphabet", "--resume") == 0
    assert "runs/alphabet-2/last.safetensors" in capsys.readouterr().out, "the last one begun"


def test_a_text_is_learnt_and_gone_on_with(here, poem, capsys):
    options = ("--hidden", 24, "--steps", 16, "--batch", 4, "--updates", 300, "--rate", 0.01)
    assert command("train", "--text", poem, *options, "--plan") == 0
    said = capsys.readouterr().out
    assert said.startswith("an update by the backward pass by hand")
    assert "held out" in said
    assert command("sample", "runs/poem/best.safetensors", "--prompt", "a rose is ", "--length", 20) == 0
    assert capsys.readouterr().out.startswith("a rose is a rose")
    drawn = []
    for seed in (1, 1, 2):
        command("sample", "runs/poem", "--prompt", "a", "--length", 60, "--temperature", 3, "--seed", seed)
        drawn.append(capsys.readouterr().out)
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_best_is_the_least_that_was_seen_however_it_goes_on(here, poem, monkeypatch):
    """Held-out losses that rise again: the best stays, and its checkpoint with it."""
    seen = iter([3.0, 1.0, 2.0, *[5.0] * 100])
    monkeypatch.setattr(runs, "validated", lambda run, material, how: runs.Measured(next(seen), 0.5))
    monkeypatch.setattr(train, "chunk", lambda plan, B: 10)
    assert command("train", "--text", poem, "--batch", 2, "--steps", 8, "--hidden", 4, "--updates", 200) == 0
    assert saved.load(here / "runs/poem/last.safetensors").best == 1.0
    best = saved.load(here / "runs/poem/best.safetensors")
    assert (best.best, best.step) == (1.0, 20)


REFUSED = {
    "nothing to train on": (("train",), "a PROBLEM or --text FILE is right"),
    "both": (("train", "alphabet", "--text", "poem.txt"), "a PROBLEM or --text FILE is right"),
    "no such problem": (("train", "alphabeth"), "the problem 'alphabeth' is unknown; one of learn, "),
    "no such file": (("train", "--text", "none.txt"), "none.txt cannot be read: No such file"),
    "an empty text": (("train", "--text", "empty.txt"), "the text of empty.txt has 0 different characters, but 2 or"),
    "one character": (("train", "--text", "one.txt"), "the text of one.txt has 1 different characters, but 2 or"),
    "no text": (("train", "--text", "bytes.txt"), "bytes.txt is not UTF-8 text: byte 1 is 0xff"),
    "too short": (("train", "--text", "poem.txt", "--batch", 500), "fewer streams or shorter ones are right"),
    "a negative size": (
        ("train", "--text", "poem.txt", "--batch", 2, "--hidden", -3),
        "H is -3, but 1 or more is right",
    ),
    "a negative batch": (("train", "--text", "poem.txt", "--batch", -1), "B is -1, but 1 or more is right"),
    "a size that none can be": (
        ("train", "parity", "--hidden", 10**23),
        "H is 100000000000000000000000, but 2147483647 or less is right",
    ),
    "a batch that none can be": (
        ("train", "parity", "--batch", 10**23),
        "B is 100000000000000000000000, but 2147483647",
    ),
    "more updates than are counted": (
        ("train", "alphabet", "--updates", 2**31),
        "updates is 2147483648, but 2147483647",
    ),
    "no updates": (("train", "alphabet", "--updates", -5), "updates is -5, but 1 or more is right"),
    "no updates at all": (("train", "alphabet", "--updates", 0), "updates is 0, but 1 or more is right"),
    "no rate": (("train", "alphabet", "--rate", 0), "the rate is 0.0, but more than 0 is right"),
    "no dtype": (("train", "alphabet", "--dtype", "float16"), "the dtype 'float16' is unknown"),
    "a size of a founding problem": (("train", "alphabet", "--hidden", 20), "--hidden is 20, but the founding problem"),
    "initial weights of one": (("train", "alphabet", "--init", "orthogonal"), "--init is orthogonal, but the founding"),
    "the end of no text": (("train", "parity", "--held-out", 0.2), "--held-out is 0.2, but only a text has an end"),
    "a text read backward": (("train", "--text", "poem.txt", "--batch", 2, "--both"), "can only read forward"),
    "a rate that is none": (("train", "parity", "--dropout", 1.0), "the rate of dropout is 1.0, but 0 or more"),
    "a cell state that is none": (
        ("train", "parity", "--cell", "gru", "--zoneout-cell", 0.1),
        "zoneout_cell is 0.1, but the cell gru has none",
    ),
    "a batch of nothing": (("train", "parity", "--batch", 0), "B is 0, but 1 or more is right"),
    "a sequence of nothing": (("train", "adding", "--steps", 1), "steps is 1, but 2 or more are right"),
    "patience for nothing": (("train", "alphabet", "--patience", 3), "--patience is 3, but nothing is held out"),
    "a seed of nothing": (("train", "alphabet", "--seed", 5), "--seed is 5, but nothing is drawn"),
    "a seed too large": (("train", "parity", "--seed", 10**20), "the seed is 100000000000000000000, but 0 to"),
    "a warmup longer than the run": (
        ("train", "parity", "--updates", 10, "--warmup", 1000),
        "warmup is 1000, but less than the 10 updates is right",
    ),
    "a bound that is none": (("train", "alphabet", "--clip-norm", "inf"), "clip_norm is inf, but a finite number"),
    "a picture of no kind": (("train", "alphabet", "--plot", "c.xyz"), "--plot is c.xyz, but a name that ends in .svg"),
    "nothing to draw": (
        ("sample", "poem.txt", "--prompt", "a", "--top-k", 3, "--temperature", 0),
        "--top-k with --temperature 0 has nothing to draw",
    ),
    "drawn and likeliest": (
        ("sample", "poem.txt", "--prompt", "a", "--beam", 3, "--seed", 1),
        "--seed is for what is drawn, but --beam looks for the likeliest text",
    ),
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


def test_a_loss_that_is_no_number_ends_it_and_no_checkpoint_is_made_of_it(here, poem):
    options = ("--batch", 2, "--steps", 8, "--hidden", 4, "--optimizer", "sgd", "--rate", 3e38, "--weight-decay", 9)
    with pytest.raises(InputError, match=r"the loss is (nan|inf), and not all .* after [\d,]+ updates: a smaller"):
        command("train", "--text", poem, *options)
    assert not (here / "runs/poem/last.safetensors").exists()


def test_a_run_of_something_else_is_not_gone_on_with(here, poem):
    command("train", "alphabet", "--updates", 100)
    for other in (("hello",), ("--text", poem)):
        with pytest.raises(InputError, match=r"the run in runs/alphabet is of alphabet: rnn-jax train alphabet --out"):
            command("train", *other, "--out", "runs/alphabet", "--resume")


def test_a_text_that_has_moved_is_gone_on_with(here, poem, monkeypatch):
    options = ("--batch", 2, "--steps", 8, "--hidden", 4, "--updates", 40)
    command("train", "--text", "poem.txt", *options)
    (here / "elsewhere").mkdir()
    poem.rename(here / "elsewhere/other.txt")
    assert command("train", "--text", "elsewhere/other.txt", "--out", "runs/poem", "--resume") == 0
    assert saved.load(here / "runs/poem/last.safetensors").step == 40


def test_what_another_run_has_left_is_kept_apart_from_a_new_one(here, capsys):
    """Its last checkpoint is lost: it is not what is offered where that of the new run is damaged."""
    command("train", "alphabet", "--updates", 100, "--out", "x")
    for name in ("last-1", "best"):
        (here / f"x/{name}.safetensors").write_bytes((here / "x/last.safetensors").read_bytes())
    older = (here / "x/last.safetensors").read_bytes()
    (here / "x/last.safetensors").unlink()
    (here / "x/last-torch.safetensors").write_text("exported")
    with pytest.raises(InputError, match=r"No such file or directory; x/last-1.safetensors is whole"):
        command("train", "alphabet", "--out", "x", "--resume")
    capsys.readouterr()
    command("train", "hello", "--updates", 100, "--out", "x")
    assert "what another run has left in x, without its last.safetensors, is in x/before\n" in capsys.readouterr().out
    assert (here / "x/before/last-1.safetensors").read_bytes() == older
    assert {each.name for each in (here / "x/before").iterdir()} == {
        "last-1.safetensors", "best.safetensors", "metrics.jsonl",
    }  # fmt: skip
    (here / "x/last.safetensors").write_bytes(older[:-1])
    with pytest.raises(InputError, match=r"is damaged: [^;]*$"):
        command("train", "hello", "--out", "x", "--resume")


def test_a_run_without_its_last_checkpoint_keeps_its_folder(here, capsys):
    command("train", "alphabet", "--updates", 100)
    (here / "runs/alphabet/last.safetensors").rename(here / "runs/alphabet/last-1.safetensors")
    command("train", "alphabet", "--updates", 100)
    assert "runs/alphabet-2/last.safetensors" in capsys.readouterr().out


def test_a_checkpoint_of_nothing_is_not_gone_on_with(here):
    (here / "x").mkdir()
    checkpoint.write(here / "x/last.safetensors", checkpoint.Checkpoint({}, {}))
    with pytest.raises(InputError, match=r"x/last.safetensors does not fit together: there is no 'spec'"):
        command("train", "alphabet", "--out", "x", "--resume")


def test_two_runs_do_not_work_in_one_folder(here):
    told = pytest.raises(InputError, match="another run is at work in runs/alphabet: another --out is right")
    with folders.claimed(here / "runs/alphabet"), told:
        command("train", "alphabet", "--updates", 100)
    assert not (here / "runs/alphabet").exists(), "nothing came of it"


@pytest.mark.parametrize("kind", ["new", "empty", "a link", "here", "with a lock"])
def test_a_folder_is_as_it_was_where_nothing_came_of_a_run(here, monkeypatch, kind):
    mine = here / "mine"
    if kind != "new":
        mine.mkdir()
    out = {"new": "mine/deep/er", "a link": "link", "here": "."}.get(kind, "mine")
    if kind == "a link":
        (here / "link").symlink_to("mine")
    if kind == "with a lock":
        (mine / ".lock").write_text("mine")
    if kind == "here":
        monkeypatch.chdir(mine)
    with pytest.raises(InputError, match=r"none.txt cannot be read"):
        command("train", "--text", "none.txt", "--out", out)
    assert mine.is_dir() == (kind != "new")
    assert [each.read_text() for each in mine.glob("*")] == (["mine"] if kind == "with a lock" else [])


def test_only_files_of_its_own_are_swept_up(here):
    """What a killed run has left half written is; what a person calls much the same is not."""
    kept = [
        ".mine.safetensors.bak",
        ".last.safetensors.bak",
        ".last-torch.safetensors.abcd1234",
        "last.safetensors.abc",
    ]
    swept = [".last.safetensors.k3_x9abc", ".best.safetensors.abcdefgh", ".last-1.safetensors.00000000"]
    for name in [*kept, *swept, ".metrics.jsonl.abcdefgh"]:
        (here / name).write_text("")
    with folders.claimed(here):
        assert {each.name for each in here.iterdir() if each.is_file()} == {*kept, ".lock"}


def test_options_that_ask_for_draws_draw(here, capsys):
    command("train", "alphabet", "--updates", 100)
    capsys.readouterr()
    texts = []
    for more in ((), ("--seed", 1), ("--seed", 1), ("--top-k", 3, "--seed", 2)):
        command("sample", "runs/alphabet", "--prompt", "ABC", "--length", 30, *more)
        texts.append(capsys.readouterr().out)
    assert texts[1] == texts[2]
    assert len(set(texts)) == 3


def test_a_word_ends_where_it_ends(here, capsys):
    command("train", "words", "--updates", 20_000)
    capsys.readouterr()
    for more in ((), ("--beam", 5), ("--seed", 3)):
        assert command("sample", "runs/words", "--prompt", "gr", *more) == 0
        said = capsys.readouterr().out
        assert said.startswith("gr")
        assert said.count("\n") == 1
        assert len(said) < 100


def test_a_prompt_beyond_the_vocabulary_is_told(here):
    command("train", "alphabet", "--updates", 100)
    with pytest.raises(InputError, match="the symbol 'ß' is not in the vocabulary, which is 'ABC"):
        command("sample", "runs/alphabet", "--prompt", "Aß")
    with pytest.raises(InputError, match="the length is -1"):
        command("sample", "runs/alphabet", "--prompt", "A", "--length", -1)


# ---- shuffled and drawn sequences ----


@pytest.mark.parametrize("N", [1, 2, 3, 7, 16, 100, 1797])
def test_each_time_through_every_sequence_is_fed_once_in_another_order(N):
    orders = [
        feeds.shuffled(np.arange(N), N, jax.random.fold_in(jax.random.key(0), epoch)).tolist() for epoch in (0, 1)
    ]
    assert all(sorted(order) == list(range(N)) for order in orders)
    assert N < 7 or (orders[0] != orders[1] and orders[0] != list(range(N)))


def test_an_order_has_no_pattern():
    """Places and where they go are uncorrelated: with 4096 pairs of chance the correlation is 0.016 in the mean."""
    orders = np.array(
        [feeds.shuffled(np.arange(4096), 4096, jax.random.fold_in(jax.random.key(1), k)) for k in range(8)]
    )
    assert np.max(np.abs([np.corrcoef(np.arange(4096), order)[0, 1] for order in orders])) < 0.08
    assert np.max(np.abs([np.corrcoef(order[:-1], order[1:])[0, 1] for order in orders])) < 0.08


def test_what_is_measured_is_every_sequence_once():
    x = np.arange(2 * 7).reshape(2, 7)
    data = feeds.on_device(feeds.Data(x, x, np.ones((2, 7), bool)))
    feed = feeds.InOrder(2, 7, 3)
    seen = [feed.batch(data, np.int32(k)) for k in range(feed.count)]
    assert [int(batch.mask[0].sum()) for batch in seen] == [3, 3, 1]
    assert np.concatenate([batch.x[:, batch.mask[0]] for batch in seen], axis=1).tolist() == x.tolist()


def test_copy_asks_for_what_was_there_before_the_delay():
    x, y = drawn.copy(jax.random.key(0), 7, 5)
    assert x.shape == y.shape == (27, 5)
    np.testing.assert_array_equal(y[-10:], x[:10])
    assert np.all(np.asarray(y[:-10]) == -1)
    assert np.all(np.asarray(x[10:]) == 8 + (np.arange(17) == 6)[:, None])


def test_adding_marks_one_number_in_each_half():
    x, y = drawn.adding(jax.random.key(0), 9, 200)
    assert x.shape == (9, 200, 2)
    np.testing.assert_array_equal(x[:4, :, 1].sum(0), np.ones(200))
    np.testing.assert_array_equal(x[4:, :, 1].sum(0), np.ones(200))
    np.testing.assert_allclose(y[0, :, 0], (x[..., 0] * x[..., 1]).sum(0), rtol=1e-6)  # float32, two numbers
    assert 0.9 < float(y.mean()) < 1.1


def test_parity_counts_the_ones():
    x, y = drawn.parity(jax.random.key(0), 12, 3)
    np.testing.assert_array_equal(y, np.cumsum(x, axis=0) % 2)


SMALL_TASKS = {
    "copy": begin.Sizes(H=8, T=3, B=4),
    "adding": begin.Sizes("gru", 6, T=6, B=4),
    "parity": begin.Sizes("rnn", 6, 2, ("forward", "reverse"), 5, 4),
}


@pytest.mark.parametrize("name", SMALL_TASKS)
def test_a_task_is_trained_measured_and_gone_on_with(here, name):
    recipe = Recipe(updates=12, rates=Rates(dropout=0.2, recurrent_dropout=0.1, zoneout=0.1), patience=3)
    run, material = begin.of_problem(name, recipe, SMALL_TASKS[name])
    before = runs.validated(run, material)
    assert before is not None
    run, _ = runs.advance(run, material)
    saved.save(here, run)
    other = saved.load(here / "last.safetensors")
    assert other.plan == run.plan
    assert runs.validated(other, begin.again(other)) == runs.validated(run, material) != before


def test_parity_is_learnt(here):
    recipe = Recipe(updates=400, rate=0.01, clip_norm=1.0)
    run, material = begin.of_problem("parity", recipe, begin.Sizes("gru", 12, T=8, B=32))
    assert runs.validated(finished(run, material), material).right > 0.99


# ---- masks ----


def padded(extra, seed=0):
    """Sequences of different lengths in float64, with so many steps of padding more than the longest needs."""
    rng, lengths = np.random.default_rng(seed), [5, 2, 4]
    T, B, D, K = 5 + extra, 3, 3, 4
    mask = np.arange(T)[:, None] < np.array(lengths)
    x, y = rng.normal(size=(5, B, D)), rng.integers(0, K, (5, B))
    x, y = np.concatenate([x, np.zeros((extra, B, D))]), np.concatenate([y, np.zeros((extra, B), int)])
    return x, y, mask


@pytest.mark.parametrize("head", ["each", "last"])
@pytest.mark.parametrize("cell", ["gru", "lstm", "lstm-norm"])
def test_padding_never_matters(cell, head):
    """What stands in it changes not a bit; more of it changes what the order of additions changes, no more."""
    spec = Spec(3, 4, 4, cell, 2, ("forward", "reverse"), head=head, predicts="classes")
    plan = train.Plan(spec, Recipe(updates=1, dtype="float64"), feeds.Windows(5, 1))

    def differentiated(x, y, mask):
        batch = feeds.Batch(*map(jnp.asarray, (x, y if head == "each" else y[:1], mask)), jnp.array(True))
        params = jax.tree.map(jnp.asarray, begin.start(plan))
        value = jax.value_and_grad(lambda p: train.loss(plan, p, batch, train.zero_state(plan, 3))[0])
        return jax.tree.leaves(value(params))

    with jax.enable_x64(True):
        x, y, mask = padded(3)
        whole = differentiated(x, y, mask)
        rng = np.random.default_rng(1)
        garbage = np.where(mask[..., None], x, rng.choice([1e6, -1e308, np.inf, np.nan], x.shape))
        targets = np.where(mask, y, rng.choice([0, 4, -100, 10**6], y.shape))  # -100 is PyTorch's for no target
        for ours, theirs in zip(differentiated(garbage, targets, mask), whole, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        for ours, theirs in zip(differentiated(*padded(0)), whole, strict=True):
            # Sums over 5 or 8 steps of 3 sequences: some dozen additions of eps/2 each, far below 1e-14 of the norm.
            assert np.linalg.norm(ours - theirs) <= 1e-14 * np.linalg.norm(theirs)
        assert np.linalg.norm(np.concatenate([np.ravel(w) for w in whole])) > 0.1


@pytest.mark.parametrize("predicts", ["numbers", "classes"])
def test_what_stands_in_the_padding_is_not_measured_either(predicts):
    x, y, mask = padded(0)
    spec = Spec(3, 4, 4, "rnn", predicts=predicts)
    plan = train.Plan(spec, Recipe(updates=1, dtype="float64"), feeds.InOrder(5, 3, 3))
    y = np.eye(4)[y] if predicts == "numbers" else y
    nothing = np.nan if predicts == "numbers" else -100
    params, scores = jax.tree.map(jnp.asarray, begin.start(plan)), []
    for x_there, y_there in ((0, 0), (np.inf, nothing)):
        data = feeds.Data(x.copy(), y.copy(), mask)
        data.x[~mask], data.y[~mask] = x_there, y_there
        scores.append(train.evaluate(plan, params, feeds.on_device(data)))
    assert jax.tree.all(jax.tree.map(jnp.array_equal, *scores))
    assert np.all(np.isfinite(scores[0]))


# ---- what is noted, where it begins, when it ends ----


def test_a_run_ends_where_nothing_gets_better(here, poem, monkeypatch, capsys):
    seen = iter([3.0, 1.0, 2.0, 2.0, 1.5, *[5.0] * 100])
    monkeypatch.setattr(runs, "validated", lambda run, material, how: runs.Measured(next(seen), 0.5))
    monkeypatch.setattr(train, "chunk", lambda plan, B: 10)
    options = ("--batch", 2, "--steps", 8, "--hidden", 4, "--updates", 200, "--patience", 3)
    assert command("train", "--text", poem, *options) == 0
    assert "nothing better in 3 measurements: the best is runs/poem/best.safetensors" in capsys.readouterr().out
    assert saved.load(here / "runs/poem/last.safetensors").step == 50
    assert command("train", "--text", poem, "--out", "runs/poem", "--resume") == 0, "it has ended"
    assert saved.load(here / "runs/poem/last.safetensors").step == 50


def test_what_a_killed_run_noted_beyond_its_checkpoint_is_noted_once(here):
    (here / "metrics.jsonl").write_text('{"updates": 10, "loss": 2.0}\n{"updates": 20, "loss": 1.0}\n{"updates": 3')
    metrics.Lines(here, 10).note(updates=20, loss=1.5)
    assert [line["loss"] for line in metrics.read(here / "metrics.jsonl")] == [2.0, 1.5]


def test_the_lines_say_what_was_measured(here, poem):
    command("train", "--text", poem, "--batch", 2, "--steps", 8, "--hidden", 4, "--updates", 100)
    lines = metrics.read(here / "runs/poem/metrics.jsonl")
    assert [line["updates"] for line in lines] == sorted(line["updates"] for line in lines)
    last = lines[-1]["held_out"]
    assert lines[-1]["updates"] == 100
    assert last["perplexity"] == pytest.approx(2 ** last["bits"]) == pytest.approx(math.exp(last["loss"]))
    assert 0 <= last["accuracy"] <= 1


def test_initial_weights_are_what_they_are_called():
    plan = train.Plan(Spec(3, 5, 2, "lstm"), Recipe(1, init="orthogonal", forget_bias=1.5), feeds.Windows(1, 1))
    layer = begin.start(plan).layers[0][0]
    for W in np.split(layer.W, 4, axis=1):
        np.testing.assert_allclose(W.T @ W, np.eye(5), atol=1e-14)  # some eps of numbers of size 1
    np.testing.assert_array_equal(layer.b, np.repeat([0.0, 1.5, 0.0, 0.0], 5))
    with pytest.raises(InputError, match="the cell gru has no forget gate"):
        begin.start(train.Plan(Spec(3, 5, 2, "gru"), Recipe(1, forget_bias=1.0), feeds.Windows(1, 1)))


def test_products_in_half_precision_learn_too(poem):
    """Its gradients are those of float32 to some thousandths, which is what eight bits of a factor leave."""
    run, material = of_poem(poem, dtype="bfloat16")
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(run.state.params)} == {"float32"}
    batch = run.plan.feed.batch(material.data, np.int32(0))
    whole = replace(run.plan, recipe=replace(run.plan.recipe, dtype="float32"))
    ours, theirs = (
        jax.tree.leaves(
            jax.grad(lambda p, plan=plan: train.loss(plan, p, batch, run.state.hidden)[0])(run.state.params)
        )
        for plan in (run.plan, whole)
    )
    for a, b in zip(ours, theirs, strict=True):
        assert 0 < np.linalg.norm(a - b) < 0.03 * np.linalg.norm(b)  # 2**-9 a factor, through ten steps of two layers
    before = runs.validated(run, material).loss
    assert runs.validated(finished(run, material), material).loss < 0.95 * before


def test_dropout_is_drawn_anew_at_every_update_and_the_same_when_it_is_made_again(poem):
    run, material = of_poem(poem, rates=Rates(dropout=0.5))
    ends = [train.update(run.plan, material.data, run.state)[1] for _ in range(2)]
    assert float(ends[0]) == float(ends[1])
    later = run.state._replace(step=run.state.step + run.plan.feed.count)  # the same window
    assert float(train.update(run.plan, material.data, later)[1]) != float(ends[0])
    assert runs.validated(run, material) == runs.validated(run, material), "nothing is dropped where it is measured"


def test_a_full_disk_is_told_and_what_was_there_stays(here, monkeypatch):
    command("train", "alphabet", "--updates", 100)
    whole = (here / "runs/alphabet/last.safetensors").read_bytes()

    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rnn_jax.files.tempfile.NamedTemporaryFile", full)
    monkeypatch.setattr("rnn_jax.files.tempfile.mkstemp", full)
    with pytest.raises(InputError, match="No space left on device"):
        saved.save(here / "runs/alphabet", saved.load(here / "runs/alphabet/last.safetensors"))
    assert (here / "runs/alphabet/last.safetensors").read_bytes() == whole


def test_the_command_lists_what_can_be_trained(capsys):
    assert command("problems") == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert tuple(listed) == begin.KNOWN
    assert tuple(problems.PROBLEMS) == cli_train.FOUNDING
    assert tuple(CELLS) == cli_train.CELLS


def test_curves_are_drawn(here):
    pytest.importorskip("matplotlib")
    command("train", "alphabet", "--updates", 100, "--plot", "curves.svg")
    assert "<svg" in (here / "curves.svg").read_text()
    with pytest.raises(InputError, match="has no lines to be plotted"):
        metrics.plot(here, here / "other.svg")


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (0.5, "0.5000 (0.721 bits a character, perplexity 1.65)"),
        (1e4, "10000.0000 (14426.950 bits a character, perplexity 1.01e+304)"),
        (8e29, "8.0000e+29 (1.154e+30 bits a character, perplexity 1.01e+304)"),
    ],
)
def test_large_numbers_have_an_exponent(loss, words):
    assert metrics.in_words(metrics.told(runs.Measured(loss, 0.5), Spec(3, 4, 3))) == words
