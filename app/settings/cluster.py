"""What can be set of a search cluster: where it is, who asks, and how its indexes are made. A part of `settings`."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode


def _split_commas(value: object) -> object:
    """Environment variables are plain text: a comma list reads as one, without JSON brackets."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


MOST_SEARCHES = 32
"""That one worker waits for at once: as many threads may do nothing else."""


def check_nodes(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Without a slash at their ends. ValueError names one that is no address of a node, unless it holds a password."""
    for address in addresses:
        if "@" in address:
            raise ValueError("what has a user and a password in it is no address here: other settings say who asks")
        if _NODE.fullmatch(address) is None:
            raise ValueError(f"{address[:100]!r} is no address such as http://10.0.0.5:8000")
    return tuple(address.rstrip("/") for address in addresses)


def _check_cluster_nodes(addresses: tuple[str, ...]) -> tuple[str, ...]:
    nodes = check_nodes(addresses)
    if len({address.partition(":")[0] for address in nodes}) > 1:
        raise ValueError("all addresses begin with https://, or none: passwords would be sent in the clear to some")
    return nodes


_NODE = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*/?")
CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]


class ClusterSettings(BaseSettings):
    """Without an address everything is on this machine, and the rest means nothing."""

    search_url: Annotated[CommaList, AfterValidator(_check_cluster_nodes)] = Field(
        (),
        description="Addresses of the nodes of an OpenSearch cluster that searches run on, such as "
        "`https://10.0.0.5:9200`, separated by commas. Needs the extra `opensearch`. Empty: the index on this machine.",
    )
    search_user: str = Field("", description="Name of the user that the cluster knows this archive as.")
    search_password: str = Field("", repr=False, description="Password of that user.")
    search_api_key: str = Field(
        "", repr=False, description="API key for the cluster, in place of a user: what `Authorization: ApiKey` takes."
    )
    search_ca_file: Path | None = Field(
        None,
        description="File of certificates (PEM) that the cluster's own is signed by. Empty: those that the system "
        "trusts.",
    )
    search_prefix: str = Field(
        "dateline",
        pattern="^[a-z0-9][a-z0-9_-]{0,49}$",
        description="How the names of this archive's indexes in the cluster begin.",
    )
    search_shards: int = Field(
        1, ge=1, le=1_024, description="Parts that an index in the cluster has; it counts when an index is built."
    )
    search_replicas: int = Field(
        1, ge=0, le=16, description="Copies of each part beside the first; it counts when an index is built."
    )
    search_timeout: float = Field(
        10,
        ge=0.1,
        le=300,
        description="Seconds that the cluster may take to respond to a search; then it is 503 `index_behind`.",
    )

    @model_validator(mode="after")
    def _check_search(self) -> Self:
        if self.search_api_key and (self.search_user or self.search_password):
            raise ValueError("DATELINE_SEARCH_API_KEY takes the place of DATELINE_SEARCH_USER and its password")
        if bool(self.search_user) != bool(self.search_password):
            raise ValueError("DATELINE_SEARCH_USER and DATELINE_SEARCH_PASSWORD go together")
        return self
