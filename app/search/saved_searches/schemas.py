"""The shapes of saved searches as clients see them."""

from app.http.schemas import Detail, Notice, Page, Shape
from app.search.schemas import Hit


class SavedSearch(Shape):
    """A saved search. `filters` have the names that tags and regions have now; `notes` say how `q` was read when it
    was saved, `read_as` as what. `own`: the key that asks may change it."""

    slug: str
    name: str | None
    q: str
    filters: dict[str, Detail]
    public: bool
    own: bool
    read_as: str | None
    notes: list[dict[str, str | None]]
    created_at: str
    updated_at: str
    warnings: list[Notice]


class SavedSearchList(Shape):
    data: list[SavedSearch]
    page: Page
    warnings: list[Notice]


class SavedSearchResults(Shape):
    """Articles that match, and the search itself. `X-Seq` is the place from which its changes go on."""

    data: list[Hit]
    page: Page
    warnings: list[Notice]
    search: SavedSearch
