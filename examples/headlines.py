"""Write into each index what `rnn-jax check` says of the broken examples: python examples/headlines.py

headline  the first words of the report
named     whether the line of the root cause is named first, among three, or not
said      the kind of mistake in the report
"""

import re
import shlex
import sys
import tomllib
from pathlib import Path

from rnn_jax.cache import keep_compiled
from rnn_jax.verify.accuse import Depth
from rnn_jax.verify.command import Intent, check_file
from rnn_jax.verify.of_file import Expressions

HERE = Path(__file__).parent
GENERATED = re.compile(r"^(headline|named|said) = .*\n", re.MULTILINE)


def report_of(example, depth):
    """The report of one example, by the words of its command line."""
    words = shlex.split(example["command"])
    get = dict(zip((w.lstrip("-") for w in words[::2]), words[1::2], strict=True)).get
    said = Expressions(
        get("wrt"), get("loss"), get("grads"), get("setup"), get("call"), get("update"), float(get("lr", 1))
    )
    intent = Intent(int(get("truncate", 0)) or None, get("clip"), get("scale"), get("sign"), get("truth"), get("vary"))
    return check_file(HERE / example["file"], said, intent, cells=get("cells"), until=get("until"), depth=depth)


def place_of(example, finding):
    """Whether the line of the root cause is the first suspect, among three, or none of them."""
    lines = [each.line for each in finding.suspects]
    reach = 1 if example.get("missing") else 0  # what is missing belongs next to the line
    # Of several faults each is one that may be named first; `also` holds other lines whose edit is as right.
    right = {example["line"], *example.get("lines", ()), *example.get("also", ())}
    right |= {example["line_2"]} if "line_2" in example else set()
    near = [any(abs(line - each) <= reach for each in right) for line in lines]
    return "first" if near[:1] == [True] else "among three" if any(near) else "no"


def generated(example):
    """The lines to be put into the index."""
    depth = Depth(blame=60, shrink=0)  # the time is such that it plays no part, however slow the machine
    finding = report_of(example, depth).findings[0]
    assert "'''" not in finding.message
    return (
        f"headline = '''{finding.message}'''\n"
        f"named = \"{place_of(example, finding)}\"\n"
        f"said = \"{finding.kind}\"\n"
    )


def main():
    """Both folders of broken programs, or the examples whose names hold the words given."""
    keep_compiled()
    for folder in ("wrong", "founding"):
        path = HERE / folder / "index.toml"
        blocks = re.split(r"(?=^\[\[example\]\]$)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for number, block in enumerate(blocks):
            example = tomllib.loads(block).get("example", [{}])[0]
            if example.get("verdict") != "fail" or not all(word in example["file"] for word in sys.argv[1:]):
                continue
            told = generated(example)
            print(example["file"], told.replace("\n", "  "), flush=True)
            bare = GENERATED.sub("", block).rstrip("\n")
            blocks[number] = f"{bare}\n{told}\n"
        path.write_text("".join(blocks).rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
