"""A stranger's text without what would move a cursor, change a colour or reverse a line."""

import unicodedata

PICTURES = {code: chr(0x2400 + code) for code in range(32)} | {0x7F: "␡"}
HIDDEN = ("Cc", "Cf", "Cs")  # controls, invisible formatting such as a reversed direction, halves of a pair
BREAKS = ("Zl", "Zp")


def clean(text: str, keep: str = "") -> str:
    """The text with a visible character, one for one, in place of each control character but those to keep."""
    return "".join(each if each.isprintable() or each in keep else visible(each) for each in text)


def visible(character: str) -> str:
    """What stands for a character that must not be printed."""
    category = unicodedata.category(character)
    if character in "\n\t" or category in BREAKS:
        return " "
    return PICTURES.get(ord(character), "�" if category in HIDDEN else character)


def source(line: str) -> str:
    """A line of source, its tabs as spaces."""
    return clean(line.rstrip("\r\n"), keep="\t").expandtabs(4)
