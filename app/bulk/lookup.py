"""From the number in an address to a record, alike for every route of records."""

from starlette.requests import Request

from app.bulk import queries
from app.bulk.queries import Record
from app.context import AppContext
from app.errors import NotFound


async def find(here: AppContext, request: Request) -> Record:
    """NotFound for what is no number of an import or a bulk edit."""
    given = request.path_params["id"]
    digits = given.isascii() and given.isdigit() and len(given) < 19
    found = await queries.find(here.db, int(given)) if digits else None
    if found is None:
        raise NotFound()
    return found
