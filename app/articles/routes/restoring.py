"""Going back to an older version is an edit like any other: what it says, on top of the version that there is."""

from dataclasses import replace

from sqlmodel import Session

from app.articles.editing import ArticleEdit
from app.articles.store import revisions, stored_article
from app.articles.store.stored_article import StoredArticle
from app.regions import service as regions

RESTORED = (
    "title", "title_derived", "standfirst", "body", "word_count", "language", "dateline", "related", "images", "seo",
    "extra", "source", "source_url", "signature", "translation_of",
)  # fmt: skip
"""What an older version says about the text. Its state, dates, slug and corrections are history and stay; so does what
the source calls the article."""


def edit_to(version: int, session: Session, current: StoredArticle) -> ArticleEdit:
    """NotFound where there is no such version, or it is not kept any more. What it was linked to and is gone meanwhile
    is left out."""
    connection = session.connection()
    old = (
        current
        if version == current.existing_row.version
        else revisions.get(connection, current.existing_row.id, version)
    )
    if old is None:
        raise revisions.make_not_found(version, current.existing_row.version)
    [said], known = stored_article.make_manuscripts(connection, [old]), regions.atlas(connection).by_id
    changes = {name: getattr(said, name) for name in RESTORED}
    changes["authors"] = tuple(one for one in said.tags if one.kind == "contributor")
    changes["tags"] = tuple(one for one in said.tags if one.kind != "contributor")
    changes["regions"] = tuple((region, roles) for region, roles in said.regions if region in known)
    dateline = said.dateline
    if dateline is not None and dateline.region not in known:
        changes["dateline"] = replace(dateline, region=None)
    return ArticleEdit(changes)
