"""Two archives that the public must not be able to tell apart: one template, and a copy of it with hidden articles.

Every field of a hidden article that holds text bears a word of its own, so that whatever shows can be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import delete, insert, select, update
from sqlmodel import Session

from app.articles import editing, service, states
from app.articles.editing import ArticleEdit
from app.articles.manuscript import ArticleDateline, Manuscript, RelatedEntry
from app.articles.store import log_facts
from app.articles.store.row_columns import SaveContext
from app.changes import log
from app.enrich.suggestion import ABOUT, DATELINE, MENTION
from app.models import Article, RelatedPost, Suggestion, Tag, TagName, table
from app.regions import service as regions
from app.tags.service import TagSpec

A, RELATED, TAG, NAME = table(Article), table(RelatedPost), table(Tag), table(TagName)
SUGGESTED = table(Suggestion)
SITE = "https://news.example"
DAY = 86_400
LATER = 7_000_000_000
"""In 2191: nothing goes live while a test runs."""
REASON = "It was wrong from start to end."
HIDDEN_REGION = "fiji"
TITLES = (
    "Zorbing season opens in the harbour",
    "Leaders meet at the summit in Brussels",
    "A grain deal is signed at last",
    "Baltic cables are mended before winter",
    "Ministers argue over the grain deal",
    "Harbour pilots strike for a second day",
    "Kenya votes after a quiet campaign",
    "What the summit left open",
)


def public(session: Session, now: int) -> list[int]:
    """What everybody may read, in both archives; ids in ascending order."""
    atlas = regions.atlas(session.connection())
    places = [atlas.by_slug[slug].id for slug in ("belgium", "ukraine", "estonia", "kenya")]
    stories = [_public(number, title, places[number % 4], now) for number, title in enumerate(TITLES)]
    return [saved.id for saved in service.upsert(session, stories, now=now, site_url=SITE)]


def _public(number: int, title: str, place: int, now: int) -> Manuscript:
    tags = [TagSpec("NATO", "organisation"), TagSpec(("zorbing", "grain", "energy")[number % 3], "topic")]
    return Manuscript(
        origin="herald.example",
        identity=f"id:{number}",
        external_id=str(number),
        title=title,
        body=f"<p>{title}. The zorbing council of the harbour has said so on day {number}.</p>",
        word_count=14,
        language="en" if number % 4 else "fr",
        standfirst=f"In short: {title.lower()}" if number % 2 else None,
        dateline=ArticleDateline(
            "Brussels, June 2025", "Brussels", None, "2025-06", "month", 1_748_736_000, 1_751_328_000
        ),
        tags=(TagSpec("World", "section"), *tags, TagSpec("Ines Marlow", "contributor")),
        regions=((place, ABOUT), (place, DATELINE)),
        related=(
            RelatedEntry(title=TITLES[(number + 1) % len(TITLES)]),
            RelatedEntry("A story nobody has written yet"),
        ),
        images=orjson.dumps([{"url": f"https://herald.example/{number}.jpg"}]).decode() if number % 3 else "[]",
        source="The Herald",
        source_url=f"https://herald.example/{number}",
        status="published",
        published_at=now - (number + 1) * DAY,
        slug=f"story-{'abcdefgh'[number]}",
        previous_slugs=(f"old-{'abcdefgh'[number]}",),
        previous_urls=(f"https://old.example/{number}",),
        content_hash=f"{number}",
    )


@dataclass(frozen=True)
class Hidden:
    """One article that the public may not see, and the words that only it has."""

    state: str
    id: int = 0

    def word(self, field: str) -> str:
        """Letters only, so that misspelling it is mended; unlike any other by more than two letters."""
        return f"xq{field[:7]}{self.state}{field[7:]}"

    @property
    def slug(self) -> str:
        return self.word("slug")

    @property
    def old_slug(self) -> str:
        return self.word("oldslug")

    @property
    def url(self) -> str:
        return f"https://{self.word('addr')}.example/{self.word('path')}"

    @property
    def old_url(self) -> str:
        return f"https://old.example/{self.word('oldpath')}"

    def manuscript(self, place: int, status: str, *, at: int | None, edition: str = "") -> Manuscript:
        """With the archive's own tags beside those that only it has."""
        word = self.word
        image = {name: word(f"image{name}") for name in ("alt", "caption", "credit")}
        seo = {name: word(f"seo{name}") for name in ("title", "description")}
        return Manuscript(
            origin=word("origin"),
            identity=f"id:{word('external')}",
            external_id=word("external"),
            title=f"{word('title')} grain deal zorbings {edition}".strip(),
            body=f"<p>{word('body')} zorbings of the harbour council {edition}</p>",
            word_count=6,
            language="fj",
            standfirst=word("standfirst"),
            dateline=ArticleDateline(
                word("datelin"), word("place"), place, "1931", "year", -1_230_768_000, -1_199_232_000
            ),
            tags=(
                *(TagSpec(name, "organisation") for name in ("NATO", word("tag"))),
                # Begins as a word that the public misspells would: only the public's own may mend it.
                TagSpec(f"zorbink {word('begun')}", "topic"),
                TagSpec(word("section"), "section"),
                TagSpec(word("author"), "contributor"),
                TagSpec("Ines Marlow", "contributor"),
            ),
            regions=((place, ABOUT), (place, MENTION)),
            related=(RelatedEntry(TITLES[0]), RelatedEntry(f"{word('related')} is its title", self.url)),
            images=orjson.dumps([{"url": f"https://{word('image')}.example/a.jpg", **image}]).decode(),
            seo=orjson.dumps(seo | {"canonical_url": f"https://{word('canon')}.example/"}).decode(),
            extra=orjson.dumps({"note": word("extra")}).decode(),
            source=word("source"),
            source_url=self.url,
            signature=word("signed"),
            status=status,
            published_at=at,
            slug=self.slug,
            previous_slugs=(self.old_slug,),
            previous_urls=(self.old_url,),
            content_hash=f"{status}{edition}",
        )


NEVER_PUBLIC = ("draft", "scheduled", "shelved", "deleted", "binned")
"""`shelved` is withdrawn without ever having been published; `deleted` was a draft."""
ONCE_PUBLIC = ("withdrawn", "reworked", "redrafted", "embargoed", "purged", "vanished", "dumped", "tossed")
"""`reworked` was edited since it was withdrawn; the next two were published and are a draft, or scheduled, now.
Withdrawn ones became the draft `vanished` and, in the bin, `dumped`; `tossed` is in the bin too, never withdrawn."""


def never_public(session: Session, now: int) -> list[Hidden]:
    """One article in each state that the public has never seen, and what points to them from what it sees."""
    place = regions.atlas(session.connection()).by_slug[HIDDEN_REGION].id
    made = []
    for state in NEVER_PUBLIC:
        one = Hidden(state)
        status = {"scheduled": "scheduled", "shelved": "withdrawn", "binned": "trashed"}.get(state, "draft")
        at = None if status in ("draft", "trashed") else LATER if status == "scheduled" else now - DAY
        made.append(replace(one, id=_save(session, one.manuscript(place, status, at=at), now)))
    reason = {"withdrawn_reason": Hidden("shelved").word("reason")}
    session.connection().execute(update(A).where(A.c.id == made[2].id).values(reason))
    _delete(session, made[3].id)
    return made


def _save(session: Session, manuscript: Manuscript, now: int) -> int:
    [saved] = service.upsert(session, [manuscript], now=now, site_url=SITE)
    return saved.id


def _delete(session: Session, id: int) -> None:
    connection = session.connection()
    before = log_facts.for_log(log_facts.load(connection, [id])[id])
    connection.execute(delete(A).where(A.c.id == id))
    log.record(session, log.LogEntry("article", id, "deleted", public=False, before=before))


def point_to(session: Session, hidden: Sequence[Hidden], public: Sequence[int]) -> None:
    """What an editor does before publishing the other half: a translation and a related post that nobody may see."""
    connection = session.connection()
    there = [one for one in hidden if one.state != "deleted"]
    for one, id in zip(there, public, strict=False):
        connection.execute(update(A).where(A.c.id == id).values(translation_of=one.id))
        row = {"article_id": id, "position": 9, "title": one.word("pointer"), "target_id": one.id, "unlinked": False}
        connection.execute(insert(RELATED), row)
    # And the other way round: what nobody may see is a translation and a copy of what they see.
    for one in there:
        connection.execute(update(A).where(A.c.id == one.id).values(translation_of=public[-1]))
        for article, target in ((one.id, public[-2]), (public[-3], one.id)):
            copy = {"article_id": article, "target_id": target, "kind": "duplicate", "value": one.word("copy")}
            connection.execute(insert(SUGGESTED), copy | {"score": 1.0, "origin": "import", "taken": False})
    alias = hidden[0].word("alias")
    tag = select(TAG.c.id).where(TAG.c.slug == hidden[0].word("tag")).scalar_subquery()
    row = {"tag_id": tag, "language": "und", "name": alias, "name_key": alias, "alias": True}
    connection.execute(insert(NAME).values(row))


def once_public(session: Session, now: int) -> list[Hidden]:
    """One article in each state that hides what the public has seen."""
    place = regions.atlas(session.connection()).by_slug[HIDDEN_REGION].id
    made = []
    for state in ONCE_PUBLIC:
        one = Hidden(state)
        made.append(replace(one, id=_save(session, one.manuscript(place, "published", at=now - DAY), now)))
    ids = {one.state: one.id for one in made}
    wrong = [ids[state] for state in ("withdrawn", "reworked", "vanished", "dumped")]
    service.withdraw(session, wrong, now=now, reason=REASON)
    for state, *steps in (("vanished", "draft"), ("dumped", "draft", "trashed"), ("tossed", "draft", "trashed")):
        for step in steps:
            current = editing.lock_article(session, ids[state])
            assert current is not None
            editing.edit(session, current, ArticleEdit({"status": step}), SaveContext(now, "ann", SITE))
    for state, status, at in (
        ("reworked", "withdrawn", now),
        ("redrafted", "draft", now),
        ("embargoed", "scheduled", LATER),
    ):
        again = Hidden(state).manuscript(place, status, at=at, edition="again")
        service.upsert(session, [again], now=now, site_url=SITE, overwrite=True)
    return made


def purge(session: Session, hidden: Sequence[Hidden], now: int) -> None:
    """For good, some time later."""
    states.remove(session, next(one.id for one in hidden if one.state == "purged"), now=now, by=None)
