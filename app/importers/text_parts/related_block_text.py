"""The tail of an article as outlets print it: the list of related posts, and the signature above it.

Never takes what could be prose: a list is one only under a known heading, down to the end of the text.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from app.importers.document import RelatedReference
from app.text.keys import fold

HEADINGS = frozenset(
    fold(heading)
    for heading in (
        "Related posts",
        "Related post",
        "Related articles",
        "Related stories",
        "Related content",
        "Related",
        "See also",
        "Read more",
        "Read next",
        "Read also",
        "Further reading",
        "More on this topic",
        "You may also like",
        "À lire aussi",
        "Lire aussi",
        "Articles liés",
        "Articles connexes",
        "Sur le même sujet",
        "Voir aussi",
        "Artículos relacionados",
        "Noticias relacionadas",
        "Entradas relacionadas",
        "Lea también",
        "Leer más",
        "Ver también",
        "Lesen Sie auch",
        "Lesen Sie mehr",
        "Verwandte Artikel",
        "Ähnliche Artikel",
        "Ähnliche Beiträge",
        "Mehr zum Thema",
        "Siehe auch",
        "Related reading",
        "Related news",
        "Related coverage",
        "Recommended",
        "Recommended reading",
        "Recommended for you",
        "More stories",
        "More on this story",
        "More from this author",
        "You might also like",
        "Also read",
        "Don't miss",
        "À lire",
        "À lire également",
        "À lire ensuite",
        "Lire également",
        "Lire la suite",
        "Pour aller plus loin",
        "Articles similaires",
        "Artículo relacionado",
        "Te puede interesar",
        "También te puede interesar",
        "Lee también",
        "Más sobre este tema",
        "Más información",
        "Mehr dazu",
        "Mehr zu diesem Thema",
        "Weitere Artikel",
        "Auch interessant",
        "Das könnte Sie auch interessieren",
        "Weiterlesen",
        "Zum Weiterlesen",
        "Leggi anche",
        "Articoli correlati",
        "Potrebbe interessarti",
        "Potrebbe interessarti anche",
        "Vedi anche",
        "Approfondimenti",
        "Lees ook",
        "Lees meer",
        "Lees verder",
        "Gerelateerde artikelen",
        "Meer over dit onderwerp",
        "Leia também",
        "Leia mais",
        "Veja também",
        "Saiba mais",
        "Artigos relacionados",
        "Notícias relacionadas",
        "Читайте также",
        "Читайте далее",
        "Смотрите также",
        "По теме",
        "Материалы по теме",
        "Похожие статьи",
        "Читайте також",
        "Дивіться також",
        "Czytaj także",
        "Czytaj też",
        "Zobacz też",
        "Zobacz także",
        "Przeczytaj także",
        "Läs också",
        "Läs även",
        "Läs mer",
        "Relaterade artiklar",
        "Læs også",
        "Les også",
        "Lue myös",
        "Ayrıca okuyun",
        "İlgili haberler",
        "اقرأ أيضا",
        "相关阅读",
        "相关新闻",
        "関連記事",
        "관련기사",
    )
)
MAX_TITLE = 300
MAX_ENTRY = 2500
MAX_ENTRIES = 50
FEW_SPACES = 3
"""A title of so few words may end in a full stop."""

_MARKUP = re.compile(r"^[#>*_\s]+|[#*_:\s]+$")
_BULLET = re.compile(r"^\s*(?:[-*+•·–]|\d{1,2}[.)])\s+")
_ANGLED = re.compile(r"^(?P<title>.*)<(?P<url>https?://[^<>\s]+)>$")
_LINKED = re.compile(r"^\[(?P<title>[^\[\]]+)\]\(\s*<?(?P<url>[^()\s<>]+)>?(?:\s+\"[^\"]*\")?\s*\)$")
_BARE = re.compile(r"^(?P<title>)(?P<url>https?://\S+)$")
_FULL_STOP = re.compile(r"(?:[^\W\d_]{2}|\d|[)\"”’»])[.]$|[。।۔]$")
_NOTICE = re.compile(
    r"(?:correction|clarification|editor['’]?s note|note de la rédaction|rectificatif|erratum|berichtigung|korrektur"
    r"|anmerkung der redaktion|corrección|fe de errores|rettifica|correctie|correção|(?:additional )?reporting by"
    r"|(?:writing|editing) by)\b",
    re.IGNORECASE,
)
_AGENCY = re.compile(
    r"^(?:\(?(?:AFP|AP|Reuters|dpa|EFE|ANSA|Xinhua|Belga|ATS|APA|Bloomberg)"
    r"(?:\s?[/,]\s?[\w .]{2,30})*\)?|\((?:Reporting|Writing|Editing|Additional reporting) by .+\))$"
)


def is_heading(line: str) -> bool:
    """Whether the line is nothing but the heading of a list of related posts, in any of its languages."""
    return len(line) < 80 and fold(_MARKUP.sub("", line)) in HEADINGS


def is_bulleted(line: str) -> bool:
    """Whether the line is marked as an item of a list."""
    return _BULLET.match(line) is not None


def read_entry(line: str) -> RelatedReference | None:
    """`Title`, `Title <https://…>`, `[Title](url)` or an address, with or without a bullet; None for prose."""
    text = _BULLET.sub("", line).strip()
    if len(text) > MAX_ENTRY:
        return None
    for pattern in (_LINKED, _ANGLED, _BARE):
        if match := pattern.match(text):
            return RelatedReference(match["title"].strip() or None, match["url"])
    if not text or len(text) > MAX_TITLE or "](" in text:
        return None
    return RelatedReference(text)


def split_related(blocks: Sequence[str]) -> tuple[list[str], tuple[RelatedReference, ...]]:
    """The blocks (paragraphs with their line breaks) above the list of related posts, and the list.

    All blocks and no list, where no heading is found, nothing follows it, or prose does.
    """
    for index in range(len(blocks) - 1, 0, -1):
        head, *lines = blocks[index].split("\n")
        if is_heading(head):
            lines += [line for block in blocks[index + 1 :] for line in block.split("\n")]
            entries = [read_entry(line) for line in lines if line.strip()]
            posts = tuple(entry for entry in entries if entry)
            is_prose = any(_is_prose(one) for one in _list_paragraphs(blocks[index:]))
            if posts and len(posts) == len(entries) <= MAX_ENTRIES and not is_prose:
                return list(blocks[:index]), posts
            break
    return list(blocks), ()


def _list_paragraphs(blocks: Sequence[str]) -> Iterator[list[str]]:
    """The lines of each block, without the heading that the first begins with."""
    for at, block in enumerate(blocks):
        yield [line.strip() for line in block.split("\n")[0 if at else 1 :] if line.strip()]


def _is_prose(lines: list[str]) -> bool:
    """Whether a paragraph below a heading is no title, or several: a sentence that ends, one that was wrapped, a
    correction or a credit. An item of a list and a link are what they are."""
    paragraph = " ".join(lines)
    entries = [read_entry(line) for line in lines]
    if any(is_bulleted(line) for line in lines) or any(entry is None or entry.url for entry in entries):
        return False
    is_wrapped = any(below[:1].islower() and above[-1:] not in ".!?" for above, below in pairwise(lines))
    is_sentence = paragraph.count(" ") >= FEW_SPACES and _FULL_STOP.search(paragraph) is not None
    return is_wrapped or is_sentence or _NOTICE.match(paragraph) is not None


def is_signature(line: str) -> bool:
    """Whether a last line is an outlet's signature and not a sentence of the article.

    It says one thing twice around a slash, claims copyright, credits an agency, or is a name behind a dash.
    """
    text = line.strip()
    if not text or len(text) > 120 or "\n" in text:
        return False
    parts = {fold(part).strip(" .") for part in text.split(" / ")}
    if " / " in text and len(parts) == 1 and parts != {""}:
        return True
    if re.match(r"(?:©|\(c\)|copyright\b)", text, re.IGNORECASE) or _AGENCY.match(text):
        return True
    name_match = re.match(r"(?:[–—]|--?)\s*(?P<name>[^\W\d_].*)$", text)
    return bool(name_match) and _is_name(text[name_match.start("name") :] if name_match else "")


def _is_name(text: str) -> bool:
    """A few words, most of them with a capital, that do not end as a sentence does."""
    words = text.split()
    capitals = sum(word[0].isupper() for word in words)
    return len(words) <= 6 and text[-1] not in ".?!…,;:" and text[0].isupper() and 2 * capitals > len(words)
