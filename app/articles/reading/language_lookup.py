"""Which languages of a filter no article has that the caller may see. Asks the search index, which counts a language in
microseconds; no index of the database leads to one.
"""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import bindparam, literal_column, select

from app.articles.filters import ArticleFilter
from app.articles.reading.filter_warnings import UnknownLanguage
from app.context import AppContext, RequestContext
from app.db.sql import Prepared, prepare
from app.models import Article, table

A = table(Article)


async def find_unknown(
    archive: AppContext, view: RequestContext, codes: Sequence[str], *, drafts: bool
) -> tuple[list[UnknownLanguage], bool]:
    """Those that no article has, also in other states than `published` with `drafts`, and whether that is sure: while
    the index is behind the log, nothing is said of a language, because an article in it may just have come."""
    missing = [code for code in codes if await archive.index.total(ArticleFilter(languages=(code,)), view.head) == 0]
    if not missing:
        return [], True
    reached = archive.index.seq()
    if reached is None or reached < view.head.public_seq:
        return [], False
    if drafts:
        missing = [code for code in missing if not await _is_of_hidden(archive, code)]
    return [UnknownLanguage(code, await _guess(archive, view, code)) for code in missing], True


async def _guess(archive: AppContext, view: RequestContext, code: str) -> str | None:
    base, hyphen, _ = code.partition("-")
    has_articles = hyphen and await archive.index.total(ArticleFilter(languages=(base,)), view.head)
    return base if has_articles else None


async def _is_of_hidden(archive: AppContext, code: str) -> bool:
    return bool(await archive.db.reader.rows(_hidden_statement(archive.db.dialect), {"code": code}, bounded=False))


@lru_cache(maxsize=4)
def _hidden_statement(dialect: str) -> Prepared:
    hidden = A.c.status != literal_column("'published'")
    statement = select(A.c.id).where(A.c.language == bindparam("code", type_=A.c.language.type), hidden).limit(1)
    return prepare(statement, dialect)
