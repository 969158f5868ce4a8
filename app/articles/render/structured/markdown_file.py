"""An article as a Markdown file: its record as front matter, and below it what people read. Pure.

What stands around the body follows from the record, so that whoever reads the file back can take it away.
"""

import html
from collections.abc import Iterator, Mapping, Sequence

import yaml

from app.articles.html import to_markdown
from app.articles.reading.card_parts import Json
from app.articles.reading.provenance import Provenance
from app.articles.render.structured import record as records
from app.articles.render.structured.record import read_objects, read_word

RELATED = "## Related posts"
SEPARATOR = "\n\n---\n\n"
"""Between articles of a list."""
_WIDE = 1_000_000


def write(article: Json, provenance: Provenance) -> str:
    """A file of its own. Without a body, the record and what stands around one."""
    record = records.make_record(article, provenance)
    return f"---\n{_write_front_matter(record)}---\n\n{_write_text(article, record)}\n"


def write_list(articles: Sequence[Json]) -> str:
    """To be read by people: without front matter, which can only begin a file."""
    texts = (_write_text(article, records.make_record(article, Provenance())) for article in articles)
    return SEPARATOR.join(texts) + "\n"


def _write_front_matter(record: Json) -> str:
    """As YAML; without what is nothing, but for what tells a record as one of this archive's."""
    known = {name: value for name, value in record.items() if value not in (None, [], {})}
    known["published_precision"] = record["published_precision"]
    return yaml.dump(known, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_WIDE)


class _Dumper(yaml.CSafeDumper):
    """Without anchors, which people do not write."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _write_text(article: Json, record: Mapping[str, object]) -> str:
    body = read_word(article, "body_markdown")
    return "\n\n".join(part for part in (*list_head(record), body, write_tail(record)) if part)


def list_head(record: Mapping[str, object]) -> list[str]:
    """Title, standfirst and dateline, from the top."""
    dateline = record.get("dateline")
    line = read_word(dateline, "text") if isinstance(dateline, dict) else None
    standfirst = read_word(record, "standfirst")
    parts = [f"# {_escape(read_word(record, 'title') or '')}"]
    parts += [f"**{_escape(standfirst)}**"] if standfirst else []
    return parts + ([f"*{_escape(line)}*"] if line else [])


def write_tail(record: Mapping[str, object]) -> str:
    """The signature and the related posts; empty without either."""
    signature, posts = read_word(record, "signature"), read_objects(record, "related")
    parts = [f"*{_escape(signature)}*"] if signature else []
    parts += [f"{RELATED}\n\n" + "\n".join(_list_links(posts))] if posts else []
    return "\n\n".join(parts)


def _list_links(posts: Sequence[Json]) -> Iterator[str]:
    for post in posts:
        title, url = read_word(post, "title"), read_word(post, "url")
        yield f"- [{_escape(title or url or '')}](<{url}>)" if url else f"- {_escape(title or '')}"


def _escape(text: str) -> str:
    """Plain text as Markdown that shows it, on one line."""
    return to_markdown.from_html(f"<p>{html.escape(text, quote=False)}</p>")


def cut_body(content: str, record: Mapping[str, object]) -> str:
    """The body of a file that was written here; what somebody has changed around it since stays with it."""
    content = content.strip("\n")
    for part in list_head(record):
        if content == part or content.startswith(f"{part}\n"):
            content = content[len(part) :].lstrip("\n")
    tail = write_tail(record)
    if tail and (content == tail or content.endswith(f"\n{tail}")):
        content = content[: len(content) - len(tail)].rstrip("\n")
    return content
