"""Run the commands of benchmarks/README.md, and put what they print in its place: `python benchmarks/tables.py`, hours.

`python benchmarks/tables.py memory.py alphabet.py` runs those alone. A table takes the place of the one of its section
that has the same head, and the line of versions that of its section's; what is said of them is for people to write.
At the end plots.py draws them.
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


def renewed(section: str, printed: str) -> str:
    """A section with the tables and the versions that were printed."""
    new = {head(table): table.rstrip("\n") + "\n" for table in TABLE.findall(printed)}
    section = TABLE.sub(lambda found: new.get(head(found[0]), found[0]), section)
    versions = VERSIONS.findall(printed)
    return VERSIONS.sub(lambda _: versions[-1], section) if versions else section


def main() -> int:
    """Run what is named, or all; the exit status counts the commands that failed and have left the page as it was."""
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
        sections = [renewed(each, made.stdout) if f"    python {command}\n" in each else each for each in sections]
        README.write_text("".join(sections), encoding="utf-8")
    subprocess.run([sys.executable, README.parent / "plots.py"], check=False)
    return failed


if __name__ == "__main__":
    sys.exit(main())
