"""What enrichment hands on: one finding about an article, with how sure it is and why. Decides nothing by itself."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["language", "region", "tag", "duplicate"]

ABOUT, MENTION, DATELINE = 1, 2, 4
"""Roles of a region as bits, as links have them."""
ROLES = {"about": ABOUT, "mention": MENTION, "dateline": DATELINE}
UNKNOWN_LANGUAGE = "und"
"""The code of ISO 639 for a language that nobody knows."""


@dataclass(frozen=True, slots=True)
class SuggestedValue:
    """`value` is a language, the slug of a region, or the name of a tag; `target` the id of a tag or article.

    `score` is comparable within a kind only; `origin` the way of finding out; `evidence` words of the article or a
    reason, for people.
    """

    kind: Kind
    value: str
    score: float
    origin: str
    target: int | None = None
    roles: int = 0
    evidence: str = ""

    @property
    def id(self) -> str:
        """What it is called whenever and by whatever way it is found: `region-17`, `language-fr`."""
        return f"{self.kind}-{self.value if self.kind == 'language' else self.target}"
