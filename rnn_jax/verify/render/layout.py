"""Lines for a terminal that must not be wrapped anywhere, or only with a hanging indent."""

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from rich.console import Console, ConsoleOptions
from rich.text import Text

from rnn_jax.verify.render.clean import clean


@dataclass(frozen=True)
class Fitted:
    """Lines that are laid out when the width is known."""

    lines: Callable[[int], Iterable[Text]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Text]:
        """The lines for this console."""
        yield from self.lines(options.max_width)


def whole(*parts: str | tuple[str, str]) -> Text:
    """One line of text and (text, style) that is never wrapped; what a person copies has to stay in one piece."""
    return Text.assemble(*parts, no_wrap=True, overflow="ignore")


def hanging(first: str, words: str, style: str = "") -> Fitted:
    """Words after a beginning, further lines of them indented as far."""
    return Fitted(partial(hung, first, clean(words), style))


def cropped(first: str, line: str, style: str = "") -> Fitted:
    """A line of source after a beginning, its end left out where it does not fit."""
    text = first + line
    return Fitted(lambda width: [whole((text if len(text) <= width else f"{text[: width - 1]}…", style))])


def hung(first: str, words: str, style: str, width: int) -> list[Text]:
    """The lines of such words in a width."""
    lines = wrapped(words, width - len(first))
    starts = [first, *[" " * len(first)] * len(lines)]
    return [whole((start + line, style)) for start, line in zip(starts, lines, strict=False)]


def wrapped(words: str, room: int) -> list[str]:
    """The words in lines of at most so many characters; a single word may be longer."""
    return textwrap.wrap(words, max(room, 20), break_long_words=False, break_on_hyphens=False) or [""]
