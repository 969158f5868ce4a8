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
from app.models.articles import SuggestionDecision as SuggestionDecision
from app.models.articles import TextKey as TextKey
from app.models.records import ImportArticle as ImportArticle
from app.models.records import ImportRecord as ImportRecord
from app.models.records import ImportTag as ImportTag
from app.models.searches import SavedSearch as SavedSearch
from app.models.searches import SearchMatch as SearchMatch
from app.models.searches import SearchPosition as SearchPosition
from app.models.searches import SearchQuery as SearchQuery
from app.models.system import ApiKey as ApiKey
from app.models.system import Audit as Audit
from app.models.system import Change as Change
from app.models.system import ChangeHead as ChangeHead
from app.models.system import IdempotencyArticle as IdempotencyArticle
from app.models.system import IdempotencyKey as IdempotencyKey
from app.models.system import IdempotencyUsage as IdempotencyUsage
from app.models.system import ImportPart as ImportPart
from app.models.system import ImportResult as ImportResult
from app.models.system import ImportSource as ImportSource
from app.models.system import Job as Job
from app.models.system import KeyUsage as KeyUsage
from app.models.taxonomy import Region as Region
from app.models.taxonomy import RegionMember as RegionMember
from app.models.taxonomy import RegionName as RegionName
from app.models.taxonomy import RegionWithin as RegionWithin
from app.models.taxonomy import Tag as Tag
from app.models.taxonomy import TagName as TagName
from app.models.taxonomy import TagSlug as TagSlug
from app.models.webhooks import IndexPosition as IndexPosition
from app.models.webhooks import LeaseRow as LeaseRow
from app.models.webhooks import Webhook as Webhook
from app.models.webhooks import WebhookAttempt as WebhookAttempt
from app.models.webhooks import WebhookRetry as WebhookRetry


def table(model: type[SQLModel]) -> Table:
    """The Core table behind a model, for statements that read and write in sets."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
