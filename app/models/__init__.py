"""Every table, by what it is about. Holds no behaviour; instants are whole seconds since 1970 UTC, JSON is kept as
text."""

from sqlalchemy import Table
from sqlmodel import SQLModel

from app.models.articles import Article as Article
from app.models.articles import ArticleRegion as ArticleRegion
from app.models.articles import ArticleSlug as ArticleSlug
from app.models.articles import ArticleTag as ArticleTag
from app.models.articles import ArticleUrl as ArticleUrl
from app.models.articles import AwaitedOriginal as AwaitedOriginal
from app.models.articles import PurgedIdentity as PurgedIdentity
from app.models.articles import PurgedRef as PurgedRef
from app.models.articles import RelatedPost as RelatedPost
from app.models.articles import Revision as Revision
from app.models.articles import Source as Source
from app.models.articles import SourceBaseline as SourceBaseline
from app.models.articles import Suggestion as Suggestion
from app.models.articles import TextKey as TextKey
from app.models.keeping import ApiKey as ApiKey
from app.models.keeping import Audit as Audit
from app.models.keeping import Change as Change
from app.models.keeping import ChangeHead as ChangeHead
from app.models.keeping import IdempotencyArticle as IdempotencyArticle
from app.models.keeping import IdempotencyKey as IdempotencyKey
from app.models.keeping import IdempotencyUsage as IdempotencyUsage
from app.models.keeping import ImportPart as ImportPart
from app.models.keeping import ImportResult as ImportResult
from app.models.keeping import ImportSource as ImportSource
from app.models.keeping import Job as Job
from app.models.records import ImportArticle as ImportArticle
from app.models.records import ImportRecord as ImportRecord
from app.models.records import ImportTag as ImportTag
from app.models.vocabulary import Region as Region
from app.models.vocabulary import RegionMember as RegionMember
from app.models.vocabulary import RegionName as RegionName
from app.models.vocabulary import RegionWithin as RegionWithin
from app.models.vocabulary import Tag as Tag
from app.models.vocabulary import TagName as TagName
from app.models.vocabulary import TagSlug as TagSlug


def table(model: type[SQLModel]) -> Table:
    """The Core table behind a model, for statements that read and write in sets."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
