"""Run the commands of benchmarks/README.md, and put what they print in its place: `python benchmarks/tables.py`, hours.

`python benchmarks/tables.py memory.py alphabet.py` runs those alone. A table takes the place of the one of its section
that has the same head, of several with that the one whose number the command has among the section's; and the line of
versions that of its section's; what is said of them is for people to write. At the end plots.py draws them.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent / "README.md"
COMMAND = re.compile(r"^    python (benchmarks/(\S+\.py).*)$", re.MULTILINE)
TABLE = re.compile(r"^\|.*\n(?:\|.*\n?)*", re.MULTILINE)
VERSIONS = re.compile(r"(?:rnn_jax [\d.]+, )?jax [\d.]+,[^.|]*?(?:\.\d[^.|]*?)*;\s\d{4}-\d\d-\d\d\.", re.DOTALL)


def head(table: str) -> str:
    """The first line of a table, which names its columns."""
    return table.partition("\n")[0].strip()


def renewed(section: str, printed: str, number: int = 0) -> tuple[str, list[str]]:
    """A section with what its how-manieth command printed, tables and versions, and the heads that it has no place for.

    Of several lines of versions, too, the one with its number.
    """
    unplaced = []
    for table in TABLE.findall(printed):
        places = [found.span() for found in TABLE.finditer(section) if head(found[0]) == head(table)]
        if not places:
            unplaced.append(head(table))
            continue
        start, end = places[min(number, len(places) - 1)]
        section = section[:start] + table.rstrip("\n") + "\n" + section[end:]
    versions, places = VERSIONS.findall(printed), [found.span() for found in VERSIONS.finditer(section)]
    if versions and places:
        start, end = places[min(number, len(places) - 1)]
        section = section[:start] + versions[-1] + section[end:]
    return section, unplaced


def main() -> int:
    """Run what is named, or all; the exit status counts what failed, or printed what the page has no place for."""
    chosen, failed = set(sys.argv[1:]), 0
    known = {script for _, script in COMMAND.findall(README.read_text(encoding="utf-8"))}
    if chosen - known:
        sys.exit(f"{', '.join(sorted(chosen - known))}: not in {README.name}; {', '.join(sorted(known))} are right")
    for command, script in COMMAND.findall(README.read_text(encoding="utf-8")):
        if chosen and script not in chosen:
            continue
        print(f"python {command}", flush=True)
        made = subprocess.run([sys.executable, *shlex.split(command)], stdout=subprocess.PIPE, text=True, check=False)
        if made.returncode and not TABLE.search(made.stdout):
            print(f"ended with status {made.returncode}; its section is as it was")
            failed += 1
            continue
        sections = re.split(r"(?=^## )", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for k, each in enumerate(sections):
            own = [other for other, _ in COMMAND.findall(each)]
            if command in own:
                sections[k], unplaced = renewed(each, made.stdout, own.index(command))
                failed += bool(unplaced)
                print(*(f"no place for the table with the head {line}" for line in unplaced), sep="\n", end="")
        README.write_text("".join(sections), encoding="utf-8")
    subprocess.run([sys.executable, README.parent / "plots.py"], check=False)
    return failed


if __name__ == "__main__":
    sys.exit(main())
