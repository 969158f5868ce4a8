"""From the number in an address to a record, alike for every route of records."""

from starlette.requests import Request

from app.bulk import queries
from app.bulk.queries import Record
from app.context import AppContext
from app.errors import NotFound


async def find(context: AppContext, request: Request) -> Record:
    """NotFound for what is no number of an import or a bulk edit."""
    text = request.path_params["id"]
    digits = text.isascii() and text.isdigit() and len(text) < 19
    record = await queries.find(context.db, int(text)) if digits else None
    if record is None:
        raise NotFound()
    return record
