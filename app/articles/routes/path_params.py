"""What paths of ordinary routes name: an article, and one of its versions. Looks nothing up."""

from typing import Annotated

from fastapi import Depends, Path

from app.articles.routes.reads import REF
from app.errors import NotFound
from app.http.api_route import describe_path

ArticlePath = Annotated[str, describe_path(REF)]


async def read_version(
    n: Annotated[
        str,
        Path(
            description="A version of the article.",
            json_schema_extra={"pattern": "^[0-9]{1,9}$", "examples": ["1"]},
        ),
    ],
) -> int:
    """NotFound for what is no number of a version. A dependency, so that it is read before anything else."""
    if not (n.isascii() and n.isdigit() and len(n) < 10):
        raise NotFound()
    return int(n)


VersionNumber = Annotated[int, Depends(read_version)]
