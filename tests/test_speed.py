"""The benchmarks of speed: each competitor can be made ready, and what is printed finds its place on the page."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import tables  # noqa: E402

NEEDED = {"torch": "torch", "flax": "flax", "equinox": "equinox"}
CASE = {"cell": "lstm", "B": 2, "H": 3, "V": 5, "T": 4, "updates": 3}
COMPETITORS = sorted(
    path.stem for path in (BENCHMARKS / "speed").glob("*.py") if "\ndef prepare(" in path.read_text(encoding="utf-8")
)
ALONE = """import importlib, json, sys
sys.path.insert(0, sys.argv[1])
ready = importlib.import_module(sys.argv[2]).prepare(json.loads(sys.argv[3]))
ready.work(1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPETITORS)
def test_each_competitor_can_be_made_ready(name):
    for word, module in NEEDED.items():
        if name.endswith(word):
            pytest.importorskip(module, exc_type=ImportError)
    case = CASE | ({"B": 1} if name.startswith("sample") else {}) | ({"N": 64} if name == "peak" else {})
    case |= {"gates": True} if name == "loop" else {}
    code = [sys.executable, "-c", ALONE, str(BENCHMARKS / "speed"), name, json.dumps(case)]
    made = subprocess.run(code, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


TWO = """## Two

    python benchmarks/gpu.py --tf32
    python benchmarks/gpu.py

| a | b |
|---|---|
| 1 | 2 |

| a | b |
|---|---|
| 3 | 4 |

jax 0.1, python 3; 2026-01-01.
"""
PRINTED = "| a | b |\n|---|---|\n| 9 | 9 |\n\n| c |\n|---|\n| 1 |\n\njax 0.2, python 3; 2026-02-02.\n"


@pytest.mark.parametrize(("number", "gone", "stays"), [(0, "| 1 | 2 |", "| 3 | 4 |"), (1, "| 3 | 4 |", "| 1 | 2 |")])
def test_a_table_takes_the_place_of_its_commands(number, gone, stays):
    section, unplaced = tables.renewed(TWO, PRINTED, number)
    assert gone not in section
    assert stays in section
    assert "| 9 | 9 |" in section
    assert "jax 0.2, python 3; 2026-02-02." in section
    assert unplaced == ["| c |"]


def test_the_page_has_a_place_for_what_its_commands_print():
    """The heads that the scripts print, as far as they stand in them."""
    page = tables.README.read_text(encoding="utf-8")
    heads = {tables.head(found[0]) for found in tables.TABLE.finditer(page)}
    for script in ("alphabet.py", "sampling.py", "memory.py", "compiled.py", "tape.py"):
        text = (BENCHMARKS / script).read_text(encoding="utf-8")
        assert any(head in text for head in heads), script
