"""A prepared statement knows all tables that it reads, wherever it names them: by that a replica is sent it or not."""

import pytest
from sqlalchemy import exists, literal, select, union_all

from app.db.sql import AnySelect, prepare
from app.models import ApiKey, Article, Change, Tag, table

A, CHANGE, TAG, KEY = (table(model) for model in (Article, Change, Tag, ApiKey))
ALIAS = CHANGE.alias("other")
KEYS = select(KEY.c.id)
INNER = select(KEY.c.id).where(KEY.c.id == A.c.id).correlate(A).scalar_subquery()


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        (select(A.c.id), {"article"}),
        (select(A.c.id).select_from(A.outerjoin(ALIAS, ALIAS.c.entity_id == A.c.id)), {"article", "change"}),
        (select(A.c.id).where(exists(select(TAG.c.id).where(TAG.c.id == A.c.id))), {"article", "tag"}),
        (select(A.c.id, INNER), {"article", "api_key"}),
        (select(A.c.id).order_by(INNER), {"article", "api_key"}),
        (select(select(CHANGE.c.seq).limit(3).subquery().c.seq), {"change"}),
        (select(select(CHANGE.c.seq).cte("recent").c.seq), {"change"}),
        (
            union_all(select(A.c.id), select(TAG.c.id).where(TAG.c.id.in_(select(KEY.c.id)))),
            {"article", "tag", "api_key"},
        ),
        (select(literal(1)), set()),
    ],
)
def test_prepared_statement_knows_its_tables(statement: AnySelect, tables: set[str]) -> None:
    assert prepare(statement, "postgresql").tables == tables
