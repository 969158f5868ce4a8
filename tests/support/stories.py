"""Articles written behind the API's back, the shortest way, for tests of what follows the log."""

from collections.abc import Sequence
from uuid import uuid4

from app.articles import service
from app.articles.manuscript import Manuscript, RelatedEntry
from app.articles.service import Saved
from app.db.database import Database
from app.enrich.suggestion import ABOUT
from app.regions import service as regions
from app.tags.service import TagSpec

NOW = 1_760_000_000
DAY = 86_400


def story(
    db: Database,
    number: int,
    *,
    tags: Sequence[str] = (),
    places: Sequence[str] = (),
    title: str | None = None,
    status: str | None = None,
    language: str = "en",
    published_at: int | None = NOW - DAY,
    related: Sequence[str] = (),
    slug: str | None = None,
) -> Manuscript:
    """A manuscript that differs from all others; the same number is the same article."""
    with db.snapshot() as snapshot:
        atlas = regions.atlas(snapshot.connection)
    return Manuscript(
        origin="test",
        identity=f"id:{number}",
        external_id=str(number),
        title=title or f"Story number {number}",
        body=f"<p>The text of story {number}.</p>",
        word_count=5,
        language=language,
        tags=tuple(TagSpec(tag, "topic") for tag in tags),
        regions=tuple((atlas.by_slug[place].id, ABOUT) for place in places),
        related=tuple(RelatedEntry(title) for title in related),
        status=status,
        published_at=published_at,
        slug=slug,
        content_hash=uuid4().hex,
    )


async def write(db: Database, *manuscripts: Manuscript, now: int = NOW) -> list[Saved]:
    """Saved in one transaction."""
    return (await db.write(service.upsert, manuscripts, now=now, site_url="")).value
