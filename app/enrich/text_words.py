"""The words of one text with what stands between them, and what their capitals mean. Pure; knows no places."""

import re
from collections.abc import Callable
from functools import cached_property

from app.text import keys

_GAPS = re.compile(r"\W+")
_TITLE_CASE = 0.6
_SAMPLE = 100
"""Words by which a headline is told."""


class TextWords:
    """The words of a text with their places; what capitals mean in it depends on how many words have them. Most texts
    name few places, so that most of this is worked out for few words, and only when it is asked for. `large` has the
    numbers of the words that may begin a name."""

    fold: Callable[[str], str]

    def __init__(self, content: str) -> None:
        self.content = content
        self.plain = keys.runs(content)
        if content.isascii():
            self.fold = str.lower
            self.large = [i for i, word in enumerate(self.plain) if "A" <= word < "a"]
        else:
            self.fold = keys.fold
            self.large = [i for i, word in enumerate(self.plain) if not word[0].islower()]
        self.shouted = content.isupper()

    @cached_property
    def _gaps(self) -> list[str]:
        """What stands before each word, and behind the last one."""
        gaps = _GAPS.findall(self.content)
        leads = not self.content.startswith(self.plain[0])
        return [*gaps, ""] if leads else ["", *gaps, ""]

    @cached_property
    def headline(self) -> bool:
        begin = self.plain[:_SAMPLE]
        letters = sum(word[0].isalpha() for word in begin)
        large = sum(word[0].isupper() for word in begin)
        return letters > 3 and large >= _TITLE_CASE * letters

    def key(self, i: int) -> str:
        """The word, folded."""
        return self.fold(self.plain[i])

    def gap(self, i: int) -> str:
        """What stands between word i and the next."""
        return self._gaps[i + 1]

    def join(self, first: int, last: int) -> str:
        """Words and what stands between them, as they are."""
        return "".join(f"{self.plain[i]}{self._gaps[i + 1]}" for i in range(first, last)) + self.plain[last]

    def text_before(self, i: int) -> str:
        """The last five characters before a word."""
        read = (f"{self._gaps[k]}{self.plain[k]}" for k in range(max(0, i - 3), i))
        return ("".join(read) + self._gaps[i])[-5:]

    def is_name(self, i: int) -> bool:
        """Whether the word begins with a capital, or its script has none."""
        if not 0 <= i < len(self.plain):
            return False
        first = self.plain[i][0]
        return first.isalpha() and not first.islower()

    def is_adjacent(self, i: int) -> bool:
        """Whether words i and i + 1 stand in one run of words."""
        if not 0 <= i < len(self.plain) - 1:
            return False
        gap = self._gaps[i + 1]
        return gap == " " or not gap.strip(" \n\t-–'’")
