"""Right programs to be damaged, and what a program computes: the loss and the gradients at three points."""

from __future__ import annotations

import shlex
import shutil
import tempfile
import tomllib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from rnn_jax.errors import InputError
from rnn_jax.verify.check_report import CheckReport
from rnn_jax.verify.command import Intent, check_file
from rnn_jax.verify.fresh import fresh_inputs, fresh_values
from rnn_jax.verify.noise import norm
from rnn_jax.verify.of_file import Expressions, FileSubject
from rnn_jax.verify.program import Program, modules_kept
from rnn_jax.verify.subject import Calls, Setting, evaluate_loss, evaluate_twice

ROOT = Path(__file__).parent.parent.parent
SETS = {
    "held": ROOT / "benchmarks" / "programs",
    "seen": ROOT / "benchmarks" / "seen",
    "development": ROOT / "examples",
}
INDEX = {"held": "index.toml", "seen": "index.toml", "development": "right/index.toml"}
DIFFERENT = 1e-9  # relative: what a gradient has to change by to count
# Of the largest gradient: one that is 0 but for rounding, as what a normalisation takes out again, is some hundred sums
# of terms of the size of the others, each off by eps / 2; rounding it otherwise is no mistake.
ROUNDING = 1e-13
SECONDS = 10.0  # for a program that runs in milliseconds when right


@dataclass(frozen=True)
class Base:
    """A right program with its command line, and a second one at other sizes where there is one."""

    path: Path
    command: str
    sizes: str = ""

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @cached_property
    def source(self) -> str:
        """The text."""
        return self.path.read_text(encoding="utf-8")

    def options(self, sizes: bool = False) -> dict[str, str]:
        """The command line as a dictionary."""
        words = shlex.split(self.sizes if sizes else self.command)
        return {key.lstrip("-"): value for key, value in zip(words[::2], words[1::2], strict=True)}

    def said(self, sizes: bool = False) -> Expressions:
        """The expressions of the command line."""
        get = self.options(sizes).get
        return Expressions(
            get("wrt", ""), get("loss", ""), get("grads"), get("setup"), get("call"), get("update"),
            float(get("lr", "1")),
        )  # fmt: skip

    def check(self, file: Path, seed: int, points: int = 2, sizes: bool = False) -> CheckReport:
        """`rnn-jax check` on a copy of the program, damaged or not."""
        get = self.options(sizes).get
        intent = Intent(
            int(get("truncate", "0")) or None, get("clip"), get("scale"), get("sign"), get("truth"), get("vary")
        )
        return check_file(file, self.said(sizes), intent, until=get("until"), points=points, seed=seed)

    @contextmanager
    def written(self, source: str) -> Iterator[Path]:
        """The program with this text in a folder of its own, with the files that lie beside it."""
        with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
            for beside in self.path.parent.iterdir():
                if beside.is_file() and beside != self.path and beside.suffix in (".py", ".txt"):
                    shutil.copy(beside, folder)
            file = Path(folder) / self.path.name
            file.write_text(source, encoding="utf-8")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)  # "perhaps you missed a comma?"
                yield file

    def values(self, source: str) -> list[Computed] | None:
        """What this version of the program computes at each point; None where it fails or gives no numbers."""
        with self.written(source) as file, np.errstate(all="ignore"):
            try:
                return list(self.computed(file))
            except InputError:
                return None
            except Exception:  # what the program's own code raises through the expressions
                return None

    def subject(self, file: Path) -> FileSubject:
        """The program, run, with its expressions."""
        program = Program(file, None, self.options().get("until"), SECONDS)
        program.load()
        return FileSubject(program, self.said())

    def computed(self, file: Path) -> Iterator[Computed]:
        """The loss and the gradients at the program's own values and at two random points."""
        with modules_kept():
            subject = self.subject(file)
            for setting in settings(subject):
                loss = evaluate_loss(subject, setting)
                made = Computed(loss, evaluate_twice(subject, setting, True))
                if not made.finite:
                    raise InputError("no finite numbers")
                yield made


@dataclass(frozen=True)
class Computed:
    """A loss, and the gradients of two calls."""

    loss: float
    calls: Calls

    @property
    def finite(self) -> bool:
        """Whether all are numbers."""
        arrays = [*self.calls.first.values(), *self.calls.second.values()]
        return bool(np.isfinite(self.loss)) and all(np.isfinite(a).all() for a in arrays)


def settings(subject: FileSubject) -> list[Setting]:
    """The program's own values, and two random points; an initial state of zeros is random there."""
    rng = np.random.default_rng(987)
    own = {name: np.array(array) for name, array in subject.parameters().items()}
    zero = fresh_inputs(subject)
    found = [Setting()]
    for k in range(2):
        inputs = {name: 0.5 * rng.normal(size=value.shape) for name, value in zero.items()}
        found.append(Setting(fresh_values(own, rng, k), inputs))
    return found


def same_loss(one: list[Computed], other: list[Computed]) -> bool:
    """Whether the loss is the same at every point, to rounding."""
    return len(one) == len(other) and all(
        abs(a.loss - b.loss) <= 1e-11 * max(abs(a.loss), abs(b.loss)) for a, b in zip(one, other, strict=True)
    )


def same_gradients(one: list[Computed], other: list[Computed]) -> bool:
    """Whether no gradient differs at any point, in the first call or in the second."""
    for a, b in zip(one, other, strict=True):
        for mine, right in ((a.calls.first, b.calls.first), (a.calls.second, b.calls.second)):
            rounding = ROUNDING * max(norm(each) for each in right.values())
            for name in right:
                own = DIFFERENT * max(norm(right[name]), norm(mine[name]))
                if norm(mine[name] - right[name]) > max(own, rounding):
                    return False
    return True


def bases(which: str) -> list[Base]:
    """The programs of a set; notebooks are left out, since an edit of one is no edit of a file."""
    index = SETS[which] / INDEX[which]
    return [
        Base(SETS[which] / entry["file"], entry["command"], entry.get("sizes", ""))
        for entry in tomllib.loads(index.read_text(encoding="utf-8")).get("example", [])
        if entry["file"].endswith(".py")
    ]
