"""Every table, by what it is about. Holds no behaviour; instants are whole seconds since 1970 UTC, JSON is kept as
text."""

from sqlalchemy import Table
from sqlmodel import SQLModel

from app.models.articles import (
    Article as Article,
    ArticleRegion as ArticleRegion,
    ArticleSlug as ArticleSlug,
    ArticleTag as ArticleTag,
    ArticleUrl as ArticleUrl,
    AwaitedOriginal as AwaitedOriginal,
    PurgedIdentity as PurgedIdentity,
    PurgedRef as PurgedRef,
    RelatedPost as RelatedPost,
    Revision as Revision,
    Source as Source,
    SourceBaseline as SourceBaseline,
    Suggestion as Suggestion,
    TextKey as TextKey,
)
from app.models.records import ImportArticle as ImportArticle, ImportRecord as ImportRecord, ImportTag as ImportTag
from app.models.system import (
    ApiKey as ApiKey,
    Audit as Audit,
    Change as Change,
    ChangeHead as ChangeHead,
    IdempotencyArticle as IdempotencyArticle,
    IdempotencyKey as IdempotencyKey,
    IdempotencyUsage as IdempotencyUsage,
    ImportPart as ImportPart,
    ImportResult as ImportResult,
    ImportSource as ImportSource,
    Job as Job,
)
from app.models.taxonomy import (
    Region as Region,
    RegionMember as RegionMember,
    RegionName as RegionName,
    RegionWithin as RegionWithin,
    Tag as Tag,
    TagName as TagName,
    TagSlug as TagSlug,
)


def table(model: type[SQLModel]) -> Table:
    """The Core table behind a model, for statements that read and write in sets."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
