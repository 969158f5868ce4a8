"""The index of the API: complete, true, and open to everybody."""

import pytest
from conftest import serve

from app.settings import Settings

pytestmark = pytest.mark.anyio


async def test_index_leads_to_everything_that_can_be_read(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"public_reads": False})) as api:
        response = await api.public.get("/v1")
        assert response.status_code == 200
        index = response.json()
        described = (await api.public.get(index["openapi"])).json()
        reads = {
            methods["get"]["operationId"]: (path, methods["get"]["summary"])
            for path, methods in described["paths"].items()
            if "get" in methods and path.startswith(("/v1/", "/feeds/", "/sitemap", "/robots.txt"))
        }
        assert {name: (link["href"], link["title"]) for name, link in index["links"].items()} == reads
        assert all(link["templated"] == ("{" in link["href"]) for link in index["links"].values())
        assert (await api.public.get(index["documentation"])).status_code == 200
        unchanged = await api.public.get("/v1", headers={"If-None-Match": response.headers["etag"]})
        assert unchanged.status_code == 304
        assert (await api.public.get("/v1?limit=3")).json()["code"] == "unknown_parameter"
