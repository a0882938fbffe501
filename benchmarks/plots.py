"""Draw what the tables of benchmarks/README.md say of updates: `python benchmarks/plots.py`, which needs matplotlib.

Milliseconds of an update at each point of the grid, a panel for each cell, a line for each competitor: two cores in
benchmarks/train_step.svg, a GPU in benchmarks/gpu.svg. `python benchmarks/tables.py` draws them anew at its end.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from tables import README, TABLE, head

COLOURS = {"PyTorch": "tab:red", "Flax": "tab:green", "Equinox": "tab:purple", "autodiff": "tab:gray"}
OURS = {"rnn_jax": "rnn_jax", "by hand": "rnn_jax, by hand", "cuDNN here": "rnn_jax, cuDNN"}
UNIT = ", ms"
# By the column that only the table of one of them has.
PICTURES = {"train_step.svg": "rnn_jax, ms", "gpu.svg": "by hand, ms"}
Curves = dict[str, dict[str, dict[str, float]]]


def curves(table: str) -> Curves:
    """Milliseconds by cell, competitor and size."""
    lines = [[word.strip() for word in line.strip("|").split("|")] for line in table.strip().splitlines()]
    found: Curves = defaultdict(lambda: defaultdict(dict))
    for row in lines[2:]:
        cell, _, size = row[0].partition(" ")
        for name, value in zip(lines[0], row, strict=True):
            if name.endswith(UNIT) and value:
                found[cell][name.removesuffix(UNIT)][size] = float(value)
    return found


def draw(found: Curves, path: Path) -> None:
    """One picture."""
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = path.name  # the same file for the same figures
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(found), figsize=(3.4 * len(found), 3.6), sharey=True, layout="constrained")
    for axes, (cell, competitors) in zip(panels, sorted(found.items()), strict=True):
        for name, points in competitors.items():
            style = {"color": COLOURS.get(name, "tab:blue"), "ls": ":" if name == "cuDNN here" else "-"}
            axes.plot(list(points), list(points.values()), "o", ms=4, label=OURS.get(name, name), **style)
        axes.set(title=cell.upper(), xlabel="B, H", yscale="log")
        for axis in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            axis("{x:g}")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("milliseconds of an update")
    labels = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(labels.values(), labels.keys(), loc="outside lower center", ncols=len(labels))
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def draw_all() -> None:
    """All pictures of which the page has the table."""
    tables = TABLE.findall(README.read_text(encoding="utf-8"))
    for name, column in PICTURES.items():
        table = next((each for each in tables if f"| {column} |" in head(each)), "")
        if table:
            draw(curves(table), README.parent / name)


if __name__ == "__main__":
    try:
        draw_all()
    except ImportError as error:
        sys.exit(f"{error}: pip install -e '.[plot]' is right")
