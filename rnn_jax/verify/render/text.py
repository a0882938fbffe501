"""A report for a terminal: one table that one screen holds, and below it what is wrong."""

import io
from collections import defaultdict
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rnn_jax.verify.report import Case, Comparison, Opinion, Report, Verdict

SYMBOLS = ("U", "W", "V", "b", "bh", "c", "x", "h0", "s0")
MARK = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.UNDECIDED: "?"}
STYLE = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.UNDECIDED: "yellow"}
WIDTH = 80


def render(report: Report, timing: bool = False) -> RenderableType:
    """The whole report, for a rich console."""
    head = Text(f"hand-written gradients against jax.grad of the same forward ({report.dtype})", "bold")
    parts: list[RenderableType] = [head, table(report), *beside(report), Text(legend(report), "dim")]
    parts += findings(report)
    parts += [Text(f"  {note}", "yellow") for note in notes(report)]
    parts.append(conclusion(report))
    if timing:
        parts.append(Text(times(report), "dim"))
    return Group(*parts)


def plain(report: Report) -> str:
    """The whole report as text without colour."""
    stream = io.StringIO()
    Console(file=stream, width=WIDTH, color_system=None).print(render(report))
    return stream.getvalue()


def table(report: Report) -> Table:
    """A row for every implementation: its worst error in each parameter, over all its cases."""
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column("")
    grid.add_column("by hand", no_wrap=True)
    for heading in ("cases", *SYMBOLS, "noise"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for name, cases in by_implementation(report).items():
        worst = max((case.verdict for case in cases), key=severity)
        cells = [entry([c for case in cases for c in case.gradients if c.symbol == symbol]) for symbol in SYMBOLS]
        multiples = [c.multiple for case in cases for c in (*case.forward, *case.gradients)]
        top = Text(f"{max(multiples):.1f}" if multiples and max(multiples) < 1e3 else "over")
        grid.add_row(Text(MARK[worst], STYLE[worst]), name, counts(cases), *cells, top)
    return grid


def beside(report: Report) -> list[Text]:
    """The parameters that have no column, for 80 characters hold no more of them: the worst error over all rows."""
    others: dict[str, list[Comparison]] = defaultdict(list)
    for c in (c for case in report.cases for c in case.gradients if c.symbol not in SYMBOLS):
        others[c.symbol].append(c)
    entries = [Text(f"{symbol} ").append(entry(found)) for symbol, found in others.items()]
    return [Text("  besides, over all rows: ").append(Text(", ").join(entries))] if others else []


def severity(verdict: Verdict) -> int:
    """How bad a verdict is."""
    return (Verdict.PASS, Verdict.UNDECIDED, Verdict.FAIL).index(verdict)


def by_implementation(report: Report) -> dict[str, list[Case]]:
    """The cases of each implementation, in the order they came."""
    grouped: dict[str, list[Case]] = defaultdict(list)
    for case in report.cases:
        grouped[case.implementation].append(case)
    return grouped


def counts(cases: list[Case]) -> str:
    """Problems + random configurations."""
    chance = sum(case.point.startswith("random ") for case in cases)
    return f"{len(cases) - chance}+{chance}"


def entry(comparisons: list[Comparison]) -> Text:
    """The worst error among the comparisons, coloured by the worst verdict; a dot where there is none."""
    if not comparisons:
        return Text("·", "dim")
    worst = max(comparisons, key=lambda c: (severity(c.verdict), c.error))
    return Text(f"{worst.error:.0e}", STYLE[worst.verdict])


def legend(report: Report) -> str:
    """What the columns say."""
    return (
        "cases: problems + random configurations; below each symbol the worst error,\n"
        "‖by hand - autodiff‖ / ‖autodiff‖; noise: the worst error, the forward's too,\n"
        f"in multiples of the rounding noise measured there (up to {report.tolerance:.0f} is rounding)"
    )


def findings(report: Report) -> list[Text]:
    """What is wrong, one paragraph for each implementation and symbol, with the worst case."""
    texts = []
    for name, cases in by_implementation(report).items():
        stopped = [case for case in cases if case.error][:1]
        texts += [Text(f"✗ {name} at {case.point} stopped with {case.error}", "red") for case in stopped]
        wrong: dict[str, list[tuple[Case, Comparison]]] = defaultdict(list)
        for case in cases:
            for c in (*case.forward, *case.gradients):
                if c.verdict is not Verdict.PASS or c.opinion not in (None, Opinion.BOTH):
                    wrong[c.symbol].append((case, c))
        texts += [finding(name, symbol, hits, len(cases)) for symbol, hits in wrong.items()]
    return texts


def finding(name: str, symbol: str, hits: list[tuple[Case, Comparison]], total: int) -> Text:
    """One symbol of one implementation: at how many points, and the worst of them in figures."""
    case, c = max(hits, key=lambda hit: (severity(hit[1].verdict), hit[1].multiple))
    what = "is wrong"
    if c.verdict is Verdict.PASS:
        what = "is doubted by the complex step"
    elif c.verdict is Verdict.UNDECIDED:
        what = "cannot be judged"
    elif c.opinion in (Opinion.MANUAL, Opinion.NEITHER):
        what = "differs from autodiff's"
    subject = symbol if symbol.startswith("forward ") else f"d{symbol}"
    points = f"{len({case.point for case, _ in hits})} of {total} points"
    points = f"{len({case.point for case, _ in hits})} of {total} points"
    mark = MARK[Verdict.FAIL if c.verdict is Verdict.PASS else c.verdict]
    lines = [f"{mark} {name}: {subject} {what} at {points}, worst at {case.point}", f"    {figures(c)}"]
    if c.worst is not None and c.manual is not None:
        lines.append(f"    {c.name}{list(c.worst)}: {c.manual:+.6g} by hand, {c.autodiff:+.6g} by autodiff")
    if c.factor is not None:
        lines.append(f"    it is right but for a factor of {c.factor:.6g}")
    if c.opinion is not None:
        lines.append(f"    {SIDES[c.opinion]}")
    return Text("\n".join(lines), STYLE[Verdict.FAIL if c.verdict is Verdict.PASS else c.verdict])


SIDES = {
    Opinion.BOTH: "the complex step cannot tell the two apart",
    Opinion.AUTODIFF: "the complex step of the hand-written forward sides with autodiff",
    Opinion.MANUAL: "the complex step of the hand-written forward sides with it, against autodiff: neither is accused",
    Opinion.NEITHER: "the complex step of the hand-written forward sides with neither: no one is accused",
}


def figures(c: Comparison) -> str:
    """An error in words, or why there is none."""
    if c.note:
        return f"it {c.note}"
    if c.norm == 0:
        return f"norm {c.error:.1e} where the truth is 0"
    return f"error {c.error:.1e}, {c.multiple:.1e} times the noise"


def notes(report: Report) -> Iterable[str]:
    """What is not wrong but should be known, each once."""
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case in report.cases:
        for note in case.notes:
            said[case.implementation, note].append(case.point)
        for c in case.gradients:
            if c.zero:
                said[case.implementation, f"d{c.name} is 0 to rounding: nothing was tested there"].append(case.point)
    return [f"{name}: {note} (at {points[0]}{more(points)})" for (name, note), points in said.items()]


def more(points: list[str]) -> str:
    """How many other points there are."""
    return f" and {len(points) - 1} more" if len(points) > 1 else ""


def conclusion(report: Report) -> Text:
    """The last line: how many agree."""
    asked = [c for case in report.cases for c in case.gradients if c.opinion is not None]
    agreed = sum(c.opinion is Opinion.BOTH for c in asked)
    bad = {v: sum(case.verdict is v for case in report.cases) for v in (Verdict.FAIL, Verdict.UNDECIDED)}
    words = [f"{bad[Verdict.FAIL]} disagree"] if bad[Verdict.FAIL] else []
    words += [f"{bad[Verdict.UNDECIDED]} undecided"] if bad[Verdict.UNDECIDED] else []
    outcome = ", ".join(words) or "all agree"
    seconds = f" in {report.seconds['total']:.1f} s" if "total" in report.seconds else ""
    third = f"the complex step agrees {agreed:,} of {len(asked):,} times"
    return Text(
        f"{MARK[report.verdict]} {len(report.cases):,} cases{seconds}: {outcome}; {third}", STYLE[report.verdict]
    )


def times(report: Report) -> str:
    """Where the time went; the first two are shared by several threads beside the others."""
    spent = ", ".join(f"{label} {seconds:.1f}" for label, seconds in report.seconds.items())
    return f"seconds: {spent};\ncompile and autodiff are sums over several threads, which work beside the rest"
