"""From the number in a path to a record, alike for every route of records."""

from typing import Annotated

from fastapi import Depends
from pydantic import BeforeValidator

from app.bulk import queries
from app.bulk.queries import Record
from app.context import Context
from app.errors import NotFound
from app.http.api_route import describe_path, read_row_id
from app.http.schemas import JOB_ID

RecordId = Annotated[
    int,
    BeforeValidator(read_row_id),
    describe_path({**JOB_ID, "description": "The number of an import or a bulk edit."}),
]


async def find_record(id: RecordId, context: Context) -> Record:
    """NotFound where there is no import or bulk edit of that number."""
    record = await queries.find(context.db, id)
    if record is None:
        raise NotFound()
    return record


FoundRecord = Annotated[Record, Depends(find_record)]
