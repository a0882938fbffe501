"""A fix written into the user's file, the original kept beside it."""

from __future__ import annotations

import codecs
import json
import re
import shutil
import tokenize
from pathlib import Path

from rnn_jax.errors import InputError, require
from rnn_jax.files import write_text
from rnn_jax.verify.check_report import Fix

CELL = re.compile(r"(?P<path>.*), cell (?P<cell>\d+)")


def write(fix: Fix) -> tuple[Path, Path]:
    """Make the fix in its file; return the file and the copy of what it was.

    Raises InputError where the file is not what was checked.
    """
    found = CELL.fullmatch(fix.file)
    path = Path(found["path"] if found else fix.file)
    data = path.read_bytes()
    text = in_notebook(data, int(found["cell"]), fix) if found else in_file(path, data, fix)
    kept = free(path)
    kept.write_bytes(data)
    shutil.copymode(path, kept)
    write_text(path, text)
    return path, kept


def in_file(path: Path, data: bytes, fix: Fix) -> str:
    """The file's text with the fix made; its line ends stay."""
    with path.open("rb") as file:
        encoding = tokenize.detect_encoding(file.readline)[0]
    require(encoding.startswith("utf-8"), f"{path} is in {encoding}; --fix writes UTF-8 alone: see --diff")
    mark = "\ufeff" if data.startswith(codecs.BOM_UTF8) else ""
    return mark + spliced(data.decode(encoding), fix)


def in_notebook(data: bytes, cell: int, fix: Fix) -> str:
    """The notebook with the fix made in one of its code cells."""
    book = json.loads(data.decode("utf-8"))
    require("cells" in book, "a notebook of format 4 would be right for --fix; see --diff")
    code = [c for c in book["cells"] if c["cell_type"] == "code"][cell - 1]
    source = code["source"]
    whole = source if isinstance(source, str) else "".join(source)
    changed = spliced(whole, fix)
    code["source"] = changed if isinstance(source, str) else changed.splitlines(keepends=True)
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def spliced(text: str, fix: Fix) -> str:
    """The text with the lines of the fix in place of those before it. Raises InputError where it has others."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)  # as Python counts lines
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    first = fix.line - 1 if fix.before else fix.line
    present = tuple(line.rstrip("\r\n") for line in lines[first : first + len(fix.before)])
    if present != fix.before:
        raise InputError(f"{fix.file} has changed since it was checked: line {fix.line} is another now")
    last = first + len(fix.before)
    tail = lines[last:]
    closed = bool(tail) or not lines or lines[-1].endswith("\n")
    if lines and first == len(lines) and not lines[-1].endswith("\n"):
        lines[-1] += end
    made = [f"{line}{end}" for line in fix.after]
    if made and not closed:
        made[-1] = made[-1].removesuffix(end)
    return "".join([*lines[:first], *made, *tail])


def free(path: Path) -> Path:
    """A name beside the file that nothing has: my_rnn.py.orig, my_rnn.py.orig.1, ..."""
    kept = path.with_name(f"{path.name}.orig")
    number = 0
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.orig.{number}")
    return kept
