"""What a purge takes from the rows that imports and webhooks have left: where an article stood in what was sent, what
was said of it, addresses that it alone was read from, and who was told of it. Plain functions, session first; never
commits."""

from collections.abc import Collection, Sequence
from hashlib import sha256

import orjson
from sqlalchemy import ColumnElement, delete, literal_column, or_, select, update
from sqlmodel import Session

from app.models import (
    Article,
    ArticleSlug,
    ArticleUrl,
    ImportArticle,
    ImportRecord,
    ImportResult,
    ImportSource,
    Job,
    Webhook,
    WebhookAttempt,
    WebhookRetry,
    table,
)
from app.models.records import MOST_ORIGINS

A, SLUG, URL = table(Article), table(ArticleSlug), table(ArticleUrl)
RESULT, JOB, SOURCE = table(ImportResult), table(Job), table(ImportSource)
RECORD, TOUCHED = table(ImportRecord), table(ImportArticle)
WEBHOOK, RETRY, ATTEMPT = table(Webhook), table(WebhookRetry), table(WebhookAttempt)
PURGED = "purged"
"""Stands where the item was named."""
TOLD = ("notes", "unknown_fields", "unknown_regions")
"""What the progress of an import tells of its items together. Which of it came from one article is not kept, so all of
it is removed."""
AT_ONCE = 50


def hash_ref(ref: str) -> str:
    """What is kept of a purged article's id or slug so that requests for it get 410: ids as they are, a slug, which
    is made of the title's words, as a hash. Migration 0010 has the same."""
    return ref if ref.isdigit() else f"sha256:{sha256(ref.encode()).hexdigest()}"


def forget_traces(session: Session, id: int) -> None:
    """Call it while the article and its addresses are still there."""
    connection = session.connection()
    of: ColumnElement[bool] = (RESULT.c.article_id == id) & RESULT.c.article_id.is_not(None)
    jobs = set(connection.execute(select(RESULT.c.job_id).where(of).distinct()).scalars())
    if jobs:
        connection.execute(update(RESULT).where(of).values(item=PURGED, reason=None))
    touched = TOUCHED.c.article_id == id
    jobs |= set(connection.execute(select(TOUCHED.c.job_id).where(touched)).scalars())
    jobs |= _imports_of_origin(session, id)
    connection.execute(update(TOUCHED).where(touched).values(note=None))
    urls = _addresses(session, id)
    for i in range(0, len(urls), AT_ONCE):
        some = urls[i : i + AT_ONCE]
        connection.execute(delete(SOURCE).where(SOURCE.c.url.in_(some)))
        jobs |= set(connection.execute(select(JOB.c.id).where(or_(*map(_reads, some)))).scalars())
    words = [*urls, *connection.execute(select(SLUG.c.slug).where(SLUG.c.article_id == id)).scalars()]
    external = connection.execute(select(A.c.external_id).where(A.c.id == id)).scalar()
    jobs |= _jobs_that_chose(session, [*words, *([external] if external else [])])
    names = {*words, *([external] if external else [])}
    for job in sorted(jobs):
        _forget_job(session, job, words, names)
    _forget_webhooks(session, id, names)


def _imports_of_origin(session: Session, id: int) -> set[int]:
    """Imports by command or stream that may tell of the article without a row for it: they have none for what was
    unchanged. Told by its origin."""
    connection = session.connection()
    origin = connection.execute(select(A.c.origin).where(A.c.id == id)).scalar()
    telling = JOB.c.kind.in_(("import_command", "import_stream")), JOB.c.progress.contains('"notes":')
    statement = select(RECORD.c.id, RECORD.c.origins).join(JOB, JOB.c.id == RECORD.c.id).where(*telling)
    origins = {job: orjson.loads(names or "[]") for job, names in connection.execute(statement)}
    return {job for job, names in origins.items() if origin in names or len(names) >= MOST_ORIGINS}


def _forget_webhooks(session: Session, id: int, names: Collection[str]) -> None:
    """What endpoints were told of the article. What of it waits for them holds nothing but its number, and is the purge
    from now on, which is due at once. A filter that names it matches nothing by that name."""
    connection = session.connection()
    article: ColumnElement[str] = literal_column("'article'")
    connection.execute(delete(ATTEMPT).where(ATTEMPT.c.entity == article, ATTEMPT.c.entity_id == id))
    waiting = (RETRY.c.entity == article) & (RETRY.c.entity_id == id)
    connection.execute(update(RETRY).where(waiting).values(next_try=0))
    for row in connection.execute(select(WEBHOOK.c.id, WEBHOOK.c.filter).where(WEBHOOK.c.filter != "{}")).all():
        kept = orjson.loads(row.filter)
        if (changed := _remove_names(kept, names)) != kept:
            values = {"filter": orjson.dumps(changed).decode(), "version": WEBHOOK.c.version + 1}
            connection.execute(update(WEBHOOK).where(WEBHOOK.c.id == row.id).values(values))


def _jobs_that_chose(session: Session, names: Sequence[str]) -> set[int]:
    """Bulk edits whose filter names the article."""
    jobs: set[int] = set()
    for i in range(0, len(names), AT_ONCE):
        some = (orjson.dumps(name).decode() for name in names[i : i + AT_ONCE])
        named = (JOB.c.arguments.contains(text, autoescape=True) for text in some)
        statement = select(JOB.c.id).where(JOB.c.kind == "bulk_edit", or_(*named))
        jobs |= set(session.connection().execute(statement).scalars())
    return jobs


def _remove_names(value: object, names: Collection[str]) -> object:
    """A filter as JSON without names of the article. What stands there instead is no slug."""
    if isinstance(value, dict):
        return {key: _remove_names(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_remove_names(one, names) for one in value]
    return f"({PURGED})" if isinstance(value, str) and value in names else value


def _reads(url: str) -> ColumnElement[bool]:
    """Whether a job was to read this address: asked of all jobs, of which there is one for each import."""
    return JOB.c.arguments.contains(f'"url":{orjson.dumps(url).decode()}', autoescape=True)


def strip_progress(progress: str) -> str:
    """The progress of an import, as its row has it, without what it tells of its items."""
    return orjson.dumps({name: value for name, value in orjson.loads(progress).items() if name not in TOLD}).decode()


def _addresses(session: Session, id: int) -> list[str]:
    connection = session.connection()
    own = connection.execute(select(A.c.source_url).where(A.c.id == id)).scalar()
    known = connection.execute(select(URL.c.url).where(URL.c.article_id == id)).scalars()
    return sorted({*known, *([own] if own else [])})


def _forget_job(session: Session, id: int, words: Sequence[str], names: Collection[str]) -> None:
    """What a job and its record call the article by: its addresses, files that are named after it, and filters that
    name it. The row is locked first: an import that still runs writes its progress anew from what it reads under the
    lock."""
    connection = session.connection()
    row = connection.execute(select(JOB.c.arguments, JOB.c.progress).where(JOB.c.id == id).with_for_update()).first()
    if row is None:
        return
    arguments = orjson.loads(row.arguments)
    sources = [str(one) for one in arguments.get("sources") or ()]
    named = [one for one in (*sources, str(arguments.get("url") or "")) if any(word in one for word in words)]
    if arguments.get("url") in named:
        arguments["url"] = PURGED
    for part in ("filter", "_filter", "_missing"):
        if part in arguments:
            arguments[part] = _remove_names(arguments[part], names)
    if sources:
        arguments["sources"] = [PURGED if one in named else one for one in sources]
    values = {"arguments": orjson.dumps(arguments).decode(), "progress": strip_progress(row.progress)}
    connection.execute(update(JOB).where(JOB.c.id == id).values(values))
    source = connection.execute(select(RECORD.c.source).where(RECORD.c.id == id)).scalar()
    if source and named:
        for one in sorted(named, key=len, reverse=True):
            source = source.replace(one, PURGED)
        connection.execute(update(RECORD).where(RECORD.c.id == id).values(source=source))
