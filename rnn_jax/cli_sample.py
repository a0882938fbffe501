"""The command that goes on with a text: rnn-jax sample."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rnn_jax.cli_train import LAST, prepare
from rnn_jax.errors import InputError, check_seed, require
from rnn_jax.interrupts import ending_at_once

if TYPE_CHECKING:
    from rnn_jax.runs import Run


def sample(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint, or the folder of a run.")],
    prompt: Annotated[str, typer.Option(help="The text to go on with; a model of words needs none.")] = "",
    length: Annotated[int, typer.Option(help="So many more characters.")] = 200,
    temperature: Annotated[
        float | None,
        typer.Option(help="0 takes the likeliest character each time. [default: 0; 1 with --top-k, --top-p or --seed]"),
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Draw among so many of the likeliest; 0 is all.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw among the likeliest that make up so much.")] = None,
    beam: Annotated[int, typer.Option(help="Look for the likeliest of all, so many at once; 0 is no search.")] = 0,
    seed: Annotated[int | None, typer.Option(help="Of what is drawn. [default: 0]")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Go on with a prompt, character by character, as a trained model does.

    rnn-jax sample runs/alphabet --prompt ABCDEFG --length 4
    """
    require(length >= 0, f"the length is {length}, but 0 or more is right")
    require(0 <= beam <= WIDEST, f"the beam is {beam}, but 0 for none, up to {WIDEST}, is right")
    given = {"--top-k": top_k, "--top-p": top_p, "--seed": seed}
    drawing = [option for option, value in given.items() if value is not None]
    if beam:
        for option in [*drawing, *(["--temperature"] if temperature else [])]:
            raise InputError(f"{option} is for what is drawn, but --beam looks for the likeliest text: leave one out")
    require(
        temperature != 0 or not drawing,
        f"{', '.join(drawing)} with --temperature 0 has nothing to draw: a temperature above 0 is right",
    )
    check_seed(seed or 0)
    prepare(small=True)
    with ending_at_once():
        import jax

        from rnn_jax import generate, saved
        from rnn_jax import text as letters

    run = saved.load(checkpoint / LAST if checkpoint.is_dir() else checkpoint)
    predicts = run.plan.spec.predicts
    require(
        predicts == "characters",
        f"{checkpoint} predicts {predicts}: only a model of a text has something to go on with",
    )
    warmth = (1.0 if drawing else 0.0) if temperature is None else temperature
    how = generate.Sampler(warmth, top_k or 0, 1.0 if top_p is None else top_p).checked()
    spec, params, rates = run.plan.spec, run.state.params, run.plan.recipe.rates
    begun = [None] if run.of_words else []
    stream = generate.prime(spec, params, letters.encode([*begun, *prompt], run.vocabulary), rates)
    print(prompt, end="", flush=True)
    if beam and length:
        end = run.vocabulary.index("\n") if run.of_words else letters.NOTHING
        drawn_at_once, _ = generate.beam(spec, params, stream, length, beam, end, rates)
        print(of_one(letters.decode(drawn_at_once.tolist(), run.vocabulary), run))
        return 0
    key, left = jax.random.key(seed or 0), length
    while left:
        count = min(left, AT_ONCE)
        stream, drawn = generate.go_on(spec, params, stream, key, count, how, rates)
        written = letters.decode(drawn.tolist(), run.vocabulary)
        print(of_one(written, run), end="", flush=True)
        left = 0 if of_one(written, run) != written else left - count
    print()
    return 0


AT_ONCE = 64  # characters that are shown together
WIDEST = 10_000  # beams


def of_one(text: str, run: "Run") -> str:
    """The text up to the end of the word that it is in, where a model has learned words and no more."""
    return text.split("\n")[0] if run.of_words else text
