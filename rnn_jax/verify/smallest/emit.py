"""A smallest case as a pytest file that needs neither JAX nor this package."""

from __future__ import annotations

import ast
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from rnn_jax.errors import InputError, require
from rnn_jax.verify import truth
from rnn_jax.verify.adjoints import Jitter
from rnn_jax.verify.compare import TOLERANCE
from rnn_jax.verify.gradients import matched
from rnn_jax.verify.noise import norm
from rnn_jax.verify.of_file import FileSubject, root
from rnn_jax.verify.program import Program
from rnn_jax.verify.smallest.literal import literal, path_to, quoted, table
from rnn_jax.verify.smallest.shrink import Case
from rnn_jax.verify.smallest.sizes import edited, is_inline

DRAWS = 16


def emit(case: Case, path: Path, until: str | None = None, command: str = "") -> str:
    """The text of a test file, to be written to `path`, that fails until the gradients of the case are right.

    until: as --until, of which the program's tree tells no more. command: the one that makes the file again.

    Raises InputError where a case cannot be written down.
    """
    if not isinstance(case.subject, FileSubject):
        raise InputError("--emit-test is for files: functions given in Python cannot be found again by a test")
    subject = case.subject
    where = parameters_of(subject)
    values = case.judgement.values
    expected = {name: case.bench.declared.undo(g) for name, g in case.judgement.wanted.items()}
    allowed = {name: TOLERANCE * level for name, level in noise(case).items()}
    inputs = {name: literal(value) for name, value in case.setting.inputs.items()}
    blocks = [
        heading(case, subject.program, command),
        IMPORTS.format(imports="\n".join(f"import {name}" for name in modules(subject, until))),
        f"PROGRAM = (Path(__file__).parent / {quoted(relative(subject.program.path, path))}).resolve()\n",
        SIZES + table("LINES", {old: quoted(new) for old, new in lines(case, subject.program).items()}),
        VALUES + table("PARAMETERS", {where[name]: literal(value) for name, value in values.items()}),
        table("INPUTS", inputs),
        EXPECTED + table("EXPECTED", {where[name]: literal(gradient) for name, gradient in expected.items()}),
        ALLOWED.format(tolerance=TOLERANCE, draws=DRAWS + truth.DRAWS)
        + table("ALLOWED", {where[name]: repr(float(level)) for name, level in allowed.items()}),
        SOURCE.format(reading=reading(subject.program)),
        running(subject, until),
        by_hand(case, subject, where),
        TEST if case.calls == 1 else TEST_TWICE,
    ]
    return "\n".join(blocks)


IMPORTS = """{imports}
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # what the program warns of is its own matter
"""

SIZES = "# Lines of the program, and what stands in their place to make it small.\n"
VALUES = "# Set in the program before it is asked for its gradients.\n"
EXPECTED = "# By jax.grad of the program's own loss, with these numbers.\n"
ALLOWED = """# How far a gradient may be off, as a Euclidean norm: {tolerance:g} times its rounding noise. That is what
# becomes of it when every number on the way is moved by one rounding, the worst of {draws} draws.
"""

SOURCE = '''
def source():
    """The program's text, with its sizes made small."""
{reading}
    gone = [line for line in LINES if line not in lines]
    assert not gone, f"{{gone}} is no longer in {{PROGRAM.name}}: make this file again"
    return "\\n".join(LINES.get(line, line) for line in lines)
'''

TEXT = """    with tokenize.open(PROGRAM) as file:
        lines = file.read().split("\\n")"""

BOOK = """    book = json.loads(PROGRAM.read_text(encoding="utf-8"))
    cells = [cell["source"] for cell in book["cells"] if cell["cell_type"] == "code"]
    text = "\\n".join("".join(cells[number - 1]) for number in {numbers})
    lines = re.sub(r"(?m)^([ \\t]*)[%!].*$", r"\\1pass", text).split("\\n")"""

PUT = '''
def put(space, values, form="{} = __value__"):
    """Give what these names mean in the program these values."""
    for name, value in values.items():
        space["__value__"] = copy.deepcopy(value)
        exec(form.format(name), space)
'''

TEST = """
@pytest.mark.parametrize("name", EXPECTED)
def test_gradient(name, space):
    gradient = np.asarray(by_hand(space)[name], dtype=float).reshape(EXPECTED[name].shape)
    error = np.linalg.norm(gradient - EXPECTED[name])
    assert error <= ALLOWED[name], f"the gradient of {name} is {gradient}, should be {EXPECTED[name]}"
"""

TEST_TWICE = TEST.replace(
    "    gradient =",
    """    by_hand(space)  # it is the second call that is wrong
    put(space, PARAMETERS, "{}[...] = __value__")
    gradient =""",
)


def heading(case: Case, program: Program, command: str) -> str:
    """What the file is, how it was made and how to renew it."""
    names = ", ".join(case.names)
    words = case.smallest.words.replace("\\", "/").replace('"""', "'''")
    made = command.replace("\\", "\\\\").replace('"""', "'''") or "rnn-jax check ... --emit-test FILE"
    return (
        f'"""The gradient{"s" * (len(case.names) > 1)} of {names} in {program.path.name}, in the smallest case '
        f"that was found wrong.\n\n{words}\n\n"
        f"To make this file again, as after a change of the program's sizes:\n\n    {made}\n\n"
        'It needs NumPy and pytest.\n"""\n'
    )


def modules(subject: FileSubject, until: str | None) -> list[str]:
    """The modules of Python's own that the file uses."""
    names = ["copy", "sys", "types"]
    names += ["json", "re"] if is_notebook(subject.program) else ["tokenize"]
    return sorted([*names, *["ast"] * (until is not None or is_inline(subject))])


def relative(program: Path, path: Path) -> str:
    """The program's path from the test's folder."""
    try:
        return Path(os.path.relpath(program.absolute(), path.absolute().parent)).as_posix()
    except ValueError:  # another drive
        return program.absolute().as_posix()


def is_notebook(program: Program) -> bool:
    """Whether its lines come from cells."""
    return bool(program.lines_of)


def reading(program: Program) -> str:
    """The statements that read the program's lines."""
    numbers = list(dict.fromkeys(cell for cell, _ in program.lines_of))
    return BOOK.format(numbers=numbers) if is_notebook(program) else TEXT


def as_read(program: Program) -> str:
    """The text that those statements read."""
    if not is_notebook(program):
        return program.source
    book = json.loads(program.path.read_text(encoding="utf-8"))
    require("cells" in book, f"--emit-test: {program.path.name} is a notebook of an old format")
    cells = [c["source"] for c in book["cells"] if c["cell_type"] == "code"]
    numbers = dict.fromkeys(cell for cell, _ in program.lines_of)
    text = "\n".join("".join(cells[number - 1]) for number in numbers)
    return re.sub(r"(?m)^([ \t]*)[%!].*$", r"\1pass", text)


def lines(case: Case, program: Program) -> dict[str, str]:
    """The lines of the program that hold changed sizes, and the lines to be read in their place.

    Raises InputError where the whole, read so, would be another program.
    """
    edits = {size.spot: value for size, value in case.edits.items() if not size.spot.setup}
    widths = {size.spot: len(str(size.value)) for size in case.edits}
    text = program.source.split("\n")
    changed: dict[int, bytes] = {}
    for spot in sorted(edits, reverse=True):  # from the right: what stands further left stays where it is
        line = changed.get(spot.line, text[spot.line - 1].encode())
        rest = line[spot.column + widths[spot] :]
        changed[spot.line] = line[: spot.column] + str(edits[spot]).encode() + rest
    found = {text[number - 1]: line.decode() for number, line in sorted(changed.items())}
    made = "\n".join(found.get(line, line) for line in as_read(program).split("\n"))
    whole = edited(ast.parse(program.source), edits)
    try:
        same = ast.dump(ast.parse(made)) == ast.dump(whole)
    except SyntaxError:
        same = False
    require(
        same,
        f"--emit-test: {program.path.name} cannot be made small by replacing lines: two that hold sizes are alike, "
        "or it uses IPython's own syntax",
    )
    return found


def running(subject: FileSubject, until: str | None) -> str:
    """The fixture that runs the program and sets its values."""
    statements = ast.parse((subject.said.setup or "").strip()).body
    later = sum(hasattr(statement, "file") for statement in subject.prelude)
    first, after = statements[: len(statements) - later], statements[len(statements) - later :]
    body = ["program = source()"]
    if until is not None or is_inline(subject):
        body = ["text = source()", "program = ast.parse(text)"]
    if until is not None:
        body.append(f"stop = [{quoted(until)} in ast.get_source_segment(text, s) for s in program.body].index(True)")
        body.append("del program.body[stop:]")
    body += ['exec(compile(program, str(PROGRAM), "exec"), space)']
    body += [f"exec({quoted(ast.unparse(statement))}, space)" for statement in first]
    body += ["put(space, INPUTS)", 'put(space, PARAMETERS, "{}[...] = __value__")']
    if is_inline(subject):
        roots = {root(text) for text, _ in subject.wrt}
        body += [line.format(roots=sorted(roots)) for line in INLINE]
    for statement in after:
        body += [f"exec({quoted(ast.unparse(statement))}, space)", "put(space, INPUTS)"]
    return PUT + "\n" + SPACE + "".join(f"    {line}\n" for line in [*body, "return space"])


SPACE = '''
@pytest.fixture
def space(monkeypatch):
    """The program's namespace, after it has run with these sizes and been given these values."""
    monkeypatch.chdir(PROGRAM.parent)
    monkeypatch.syspath_prepend(str(PROGRAM.parent))
    monkeypatch.setattr(sys, "argv", [str(PROGRAM)])
    monkeypatch.setenv("MPLBACKEND", "agg")
    module = types.ModuleType("program_under_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    space = vars(module)
    space["__file__"] = str(PROGRAM)
'''

# What the file computes from its parameters at its top level has to be computed again.
INLINE = (
    "bound = [{{n.id for n in ast.walk(s) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}} "
    "for s in program.body]",
    "plain = [not isinstance(s, (ast.FunctionDef, ast.ClassDef, ast.AugAssign)) for s in program.body]",
    "last = max((k for k, names in enumerate(bound) if plain[k] and names & {{*{roots}}}), default=-1)",
    "del program.body[: last + 1]",
    'exec(compile(program, str(PROGRAM), "exec"), space)',
)


def by_hand(case: Case, subject: FileSubject, where: dict[str, str]) -> str:
    """The function that asks the program for its gradients."""
    said = subject.said
    body = [f"eval({quoted(said.loss.strip())}, space)"] if case.bench.loss_first else []
    if said.update is not None:
        body += ["before = {name: np.array(eval(name, space)) for name in PARAMETERS}"]
        body += [f"exec({quoted(said.update.strip())}, space)"]
        body += [f"return {{name: (before[name] - eval(name, space)) / {said.lr!r} for name in PARAMETERS}}"]
    else:
        body += [f"exec({quoted(said.call.strip())}, space)"] if said.call is not None else []
        body += [f"grads = eval({quoted((said.grads or '').strip())}, space)"]
        body += ["return {"]
        body += [f"    {quoted(where[name])}: grads{path}," for name, path in gradients_of(case, subject).items()]
        body += ["}"]
    head = '\ndef by_hand(space):\n    """The gradients as the program gives them."""\n'
    return head + "".join(f"    {line}\n" for line in body)


def parameters_of(subject: FileSubject) -> dict[str, str]:
    """Each parameter as Python in the program's namespace: P['W'] for P.W."""
    found = {}
    for name, array in subject.parameters().items():
        for text, code in subject.wrt:
            path = path_to(eval(code, subject.program.namespace), array)
            if path is not None:
                found[name] = text + path
                break
    missing = [name for name in subject.names if name not in found]
    require(not missing, f"--emit-test: there is no telling how a test would reach {', '.join(missing)}")
    return found


def gradients_of(case: Case, subject: FileSubject) -> dict[str, str]:
    """How each parameter's gradient is reached from what --grads gives."""
    try:
        subject.prepare(case.setting.copied())
        if case.bench.loss_first:
            subject.evaluate_loss()
        before = {name: np.array(array) for name, array in subject.parameters().items()}
        raw: Any = subject.evaluate_gradients(before)
        found = matched(raw, before)
    finally:
        subject.world.restore()
    paths = {name: reached(raw, found[name], k, len(before)) for k, name in enumerate(before)}
    missing = [name for name, path in paths.items() if path is None]
    require(not missing, f"--emit-test: there is no telling how a test would reach the gradient of {missing}")
    return {name: path for name, path in paths.items() if path is not None}


def reached(raw: Any, gradient: Any, k: int, count: int) -> str | None:
    """How the gradient of the k-th of so many parameters is reached: by its place where there is one for each."""
    if isinstance(raw, np.ndarray) and raw.dtype != object:
        return "" if gradient is raw else f"[{k}]"
    if isinstance(raw, list | tuple) and len(raw) == count and raw[k] is gradient:
        return f"[{k}]"
    return path_to(raw, gradient)


def noise(case: Case) -> dict[str, float]:
    """The rounding noise of each gradient, from more draws than a verdict needs: one file is run many times."""
    made, found = case.judgement.truth, dict(case.judgement.truth.noise)
    rng = np.random.default_rng(0)
    eps = max(case.bench.eps, truth.coarsest(made.recording)[0])
    for _ in range(DRAWS):
        moved = truth.differentiate(made.recording, Jitter.of(made.recording.recorder.tape, rng, eps))
        found = {name: max(level, norm(moved[name] - made.gradients[name])) for name, level in found.items()}
    # A gradient of exactly 0 has no noise of its own; it may be what others left when they cancelled.
    reach = max(norm(g) for g in made.gradients.values())
    declared = case.bench.declared
    return {
        name: (level or eps * reach) + declared.update_noise(case.judgement.values[name])
        for name, level in found.items()
    }
