"""Where an article comes from, for formats that name it. Pure: it is known to whoever reads such a format, too."""

from dataclasses import dataclass
from typing import NamedTuple


class Edition(NamedTuple):
    """An article in another language, which is public."""

    id: int
    slug: str
    title: str
    language: str
    origin: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """`origin` is the archive that the article was imported from, or this one."""

    origin: str = ""
    original: Edition | None = None
    translations: tuple[Edition, ...] = ()


UNKNOWN = Provenance()
