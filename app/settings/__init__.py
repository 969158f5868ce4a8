"""What can be set from outside, each as an environment variable DATELINE_*. Reads no files and opens nothing."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AliasChoices, Field, model_validator
from pydantic_settings import SettingsConfigDict

from app.settings.cluster import ClusterSettings, CommaList, check_nodes
from app.settings.values import MOST_WORKERS, Networks, RootPath, Workers

_SECRET = re.compile(r"[A-Za-z0-9._~+/=-]{16,200}")  # what the header of a bearer token may hold (RFC 6750)


class Settings(ClusterSettings):
    """Every setting with its type, default and meaning; `docs/settings.md` is generated from this class."""

    model_config = SettingsConfigDict(env_prefix="DATELINE_", frozen=True, extra="ignore", populate_by_name=True)

    data_dir: Path = Field(
        Path("data"), description="Folder of the SQLite file and the search index; made when missing."
    )
    database_url: str = Field(
        "",
        description="Where the archive is. Empty: the file `dateline.db` in the data folder. "
        "`sqlite:///path/to.db`, or `postgresql://user:password@host/name`, with several hosts as libpq has them: "
        "`postgresql://user@first:5432,second:5432/name`.",
    )
    replica_url: str = Field(
        "",
        description="Address of a replica of that PostgreSQL database: published articles are read from it where it "
        "has all that a request knows of, everything else from the primary. Empty: none.",
    )
    index_dir: Path | None = Field(
        None,
        description="Folder of the search index. Empty: `index` in the data folder. Local to a node; may be deleted.",
    )
    host: str = Field("127.0.0.1", description="Address that `dateline serve` listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that `dateline serve` listens on; 0 picks a free one.")
    workers: Workers = Field(
        1,
        ge=1,
        le=MOST_WORKERS,
        description="Processes that `dateline serve` runs, at one address: `auto` for as many as there are "
        "processors, which is what the container starts. Limits are those of all of them together.",
    )
    site_url: str = Field(
        "",
        description="Address of the web site that shows the articles, without a slash at its end; an article's `url` "
        "is `{site_url}/articles/{slug}`. Empty: `url` is null.",
    )
    api_url: str = Field(
        "",
        description="Address that clients reach this server at, without a slash at its end: feeds and documents that "
        "are read elsewhere name resources of the API by it. Empty: they are named by their paths alone, or, where no "
        "`DATELINE_SITE_URL` is set either and only this machine reaches the server, by the address it listens on.",
    )
    root_path: RootPath = Field(
        "",
        description="Path below which a proxy serves this server, such as `/api`, whether the proxy strips it from "
        "requests or not: all addresses in responses begin with it. Empty: the whole host.",
    )
    site_name: str = Field(
        "",
        max_length=200,
        description="What the publication is called: the publisher of its articles and the title of its feeds. Empty: "
        "articles name no publisher, feeds have the web site's host as their title.",
    )
    websub_hub: str = Field(
        "",
        description="Address of a WebSub hub, which feeds name, and which is told of feeds that have changed; needs "
        "`DATELINE_API_URL`, since a hub knows feeds by their whole addresses. Empty: none.",
    )
    first_key_file: Path | None = Field(
        None,
        description="File that `dateline serve --seed` writes the first admin key to, for its owner alone, instead of "
        "printing it: what a container prints is kept in its log. It must not exist yet.",
    )
    public_reads: bool = Field(
        True,
        description="Whether published articles can be read without a key. `false` demands a key everywhere.",
    )
    pages: bool = Field(
        True,
        description="Whether the server has pages for people: the explorer at `/`, the desk at `/desk`. `off` for "
        "none; programs are served alike either way.",
    )
    read_only: bool = Field(
        False,
        description="Whether this server only reads: writes are 503 `read_only`, and nothing is done in the "
        "background. By itself it does so while the database cannot be written.",
    )
    cors_origins: CommaList = Field(
        ("*",), description="Origins that browsers may read from, separated by commas; `*` for any."
    )
    rate_limit: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Requests a minute that each client may make, counted in each server; 0 for no limit, "
        "which is right until strangers reach the server.",
    )
    trusted_proxies: Networks = Field(
        (),
        description="Addresses or networks (`10.0.0.0/8`), separated by commas, of the proxies in front of the server: "
        "only their `X-Forwarded-For` is believed, and their `X-Forwarded-Prefix`, which comes before "
        "`DATELINE_ROOT_PATH`. Empty: a client is the address that connects.",
    )
    cache_mb: int = Field(
        12,
        ge=0,
        le=65_536,
        description="Memory in megabytes for responses to requests without a key; 0 for none. A change that the public "
        "can see empties it.",
    )
    trash_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="Days after which what was moved to the bin is removed for good, by the database's clock; 0 for "
        "never. Readers who have seen it are told that it is gone from then on.",
    )
    max_body_bytes: int = Field(
        10_000_000, ge=1_000, description="Largest request body in bytes; a larger one is refused with 413."
    )
    max_idempotency_bytes: int = Field(
        256_000_000,
        ge=100_000,
        description="Bytes of stored responses, compressed, that one API key may have for its `Idempotency-Key`s of "
        "the last 24 hours; beyond that a write with another one is refused with 429.",
    )
    max_searches_per_key: int = Field(
        1_000,
        ge=0,
        le=1_000_000,
        description="Saved searches that the keys of one name may have together; beyond that 409 `too_many_searches`.",
    )
    max_searches: int = Field(
        100_000,
        ge=0,
        le=1_000_000,
        description="Saved searches that the archive may have. Each takes about a kilobyte of the indexing server's "
        "memory.",
    )
    max_requests: int = Field(
        256,
        ge=1,
        le=100_000,
        description="Requests that one server works on at once; beyond that it returns 503 `overloaded`.",
    )
    max_connections: int = Field(
        2_000,
        ge=10,
        le=1_000_000,
        description="Connections that one server has open; for a new one the longest idle one is closed. Less "
        "where the system allows fewer open files.",
    )
    max_connections_per_address: int = Field(
        500,
        ge=1,
        le=1_000_000,
        description="Of them, those of one address that is no trusted proxy.",
    )
    max_streams: int = Field(
        500,
        ge=0,
        le=100_000,
        description="Event streams, exports and requests that wait for changes in one server; beyond that 503.",
    )
    max_streams_per_address: int = Field(
        50, ge=0, le=100_000, description="Of them, those of one address; beyond that 429 `rate_limited`."
    )
    keep_alive: int = Field(
        75,
        ge=1,
        le=3600,
        description="Seconds that a connection stays open between two requests: longer than the proxy in front keeps "
        "its own.",
    )
    plain_uvicorn: bool = Field(
        False,
        description="Whether the server starts with uvicorn as it comes, without Dateline's limits on connections, "
        "heads of requests and slow clients: for a version of uvicorn that they are not made for yet, behind a proxy "
        "that has such limits.",
    )
    request_log: bool = Field(
        False, description="Whether each request is written to standard error as a line of JSON, without its query."
    )
    metrics_open_to: Networks = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="Addresses or networks, separated by commas, that read `/metrics` without a key; others need a key "
        "with `read_drafts`. Empty: all need one. `0.0.0.0/0,::/0`: none does.",
    )
    max_import_bytes: int = Field(
        1_000_000_000,
        ge=1_000,
        description="Largest import in bytes that is kept to be worked on as a job; a larger one is refused with 413.",
    )
    import_private_addresses: bool = Field(
        False,
        description="Whether imports over HTTP may name addresses of private networks and of this machine to be read. "
        "`true` lets every key with `admin` see what responds there.",
    )
    webhook_private_addresses: bool = Field(
        False,
        description="Whether webhooks may be sent to addresses of private networks and of this machine. `true` lets "
        "every key with `admin` find out what responds there.",
    )
    import_result_days: int = Field(
        30,
        ge=1,
        le=36_500,
        description="Days that it can be seen what became of each item of an import that ran as a job.",
    )
    webhook_attempt_days: int = Field(
        30,
        ge=1,
        le=36_500,
        description="Days that the log of attempts to deliver webhooks is kept; a row takes about 200 bytes.",
    )
    write_connections: int = Field(
        4,
        ge=1,
        le=64,
        description="PostgreSQL only: how many writes run side by side in one server, at least one in each worker.",
    )
    read_connections: int = Field(
        8,
        ge=1,
        le=256,
        description="PostgreSQL only: how many reads run side by side in one server, at least one in each worker.",
    )
    index_interval: float = Field(
        0.1,
        ge=0.01,
        le=60,
        description="Shortest time in seconds from one commit of the search index to the next, while articles change. "
        "While many do, and after a commit that takes long, up to two and a half times as much passes.",
    )
    index_heap_mb: int = Field(
        64,
        ge=15,
        le=4096,
        description="Memory of the index writer in megabytes; more makes large imports faster.",
    )
    index_from: Annotated[CommaList, AfterValidator(check_nodes)] = Field(
        (),
        description="Addresses of other nodes of the same archive, such as `http://10.0.0.5:8000`, separated by "
        "commas: where this one has no search index to go on from, it copies theirs. Needs `DATELINE_INDEX_SECRET`. "
        "Empty: it builds one.",
    )
    index_secret: str = Field(
        "",
        repr=False,
        description="What nodes show one another to copy an index: at least 16 characters, the same on all of them; "
        "or, on one that copies, an API key with `admin` and `read_drafts`. Empty: the index can be copied with such a "
        "key only.",
    )
    audit_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="Days after which rows of the audit are deleted; 0 for never. A row takes about 250 bytes.",
    )
    log_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="Days that the change log is kept whole; 0 for ever. Of what is older, the last change of each "
        "article stays. Who follows from a place before that gets `cursor_expired`.",
    )
    revisions_kept: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="How many replaced versions of each article are kept at least, the latest; 0 for all. Older ones "
        "are deleted when `DATELINE_REVISION_DAYS` have passed since they were replaced.",
    )
    revision_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="Days that every replaced version is kept as it is; older ones are compressed, which readers do "
        "not notice, or deleted where there are more than `DATELINE_REVISIONS_KEPT`. 0: none is compressed.",
    )
    enrich: bool = Field(
        True,
        description="Whether imports find out the language and regions of articles where the source does not say, and "
        "POST the language where the client does not.",
    )
    log_format: Literal["text", "json"] = Field(
        "text",
        description="Form of the log on standard error: `text`, or `json` for one object on each line, those of "
        "requests (`DATELINE_REQUEST_LOG`), warnings and tracebacks alike.",
    )
    log_level: str = Field(
        "INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="How much the server writes to standard error: DEBUG, INFO, WARNING or ERROR.",
        validation_alias=AliasChoices("DATELINE_LOG_LEVEL", "log_level"),
    )

    @model_validator(mode="after")
    def _check_hub(self) -> Self:
        if self.websub_hub and not self.api_url:
            raise ValueError("DATELINE_WEBSUB_HUB needs DATELINE_API_URL: a hub knows feeds by their whole addresses")
        return self

    @model_validator(mode="after")
    def _check_secret(self) -> Self:
        if self.index_secret and not _SECRET.fullmatch(self.index_secret):
            raise ValueError("DATELINE_INDEX_SECRET must have 16 to 200 letters, digits and -._~+/=, and no spaces")
        if self.index_from and not self.index_secret:
            raise ValueError("DATELINE_INDEX_FROM needs DATELINE_INDEX_SECRET, which the other nodes ask for")
        return self

    @model_validator(mode="after")
    def _check_root_path(self) -> Self:
        if self.root_path and self.api_url and not self.api_url.rstrip("/").endswith(self.root_path):
            raise ValueError(
                "DATELINE_API_URL must end with DATELINE_ROOT_PATH: it is the address that clients reach the server at"
            )
        return self

    @property
    def url(self) -> str:
        """The database's address with its default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir / 'dateline.db'}"

    @property
    def keeps_not_all(self) -> bool:
        """Whether anything of the log or of versions is to go by itself."""
        return bool(self.log_days or self.revisions_kept or self.revision_days)

    @property
    def of_one_worker(self) -> "Settings":
        """These settings with a worker's part of what all have together: memory of the cache, database connections."""
        parts = {
            name: max(1, getattr(self, name) // self.workers) if getattr(self, name) else 0
            for name in ("cache_mb", "write_connections", "read_connections")
        }
        return self.model_copy(update=parts)

    @property
    def index_path(self) -> Path:
        """With an engine elsewhere that of the words alone: the index that this machine had before, if any, lies beside
        it and stays whole."""
        folder = self.index_dir or self.data_dir / "index"
        return folder / "words" if self.search_url else folder

    @property
    def drafts_index_path(self) -> Path:
        """Of the index of what is not published. Below the other one, so that whoever moves or deletes that takes
        both."""
        return self.index_path / "drafts"

    @property
    def index_paths(self) -> tuple[Path, Path]:
        """Of both indexes."""
        return self.index_path, self.drafts_index_path
