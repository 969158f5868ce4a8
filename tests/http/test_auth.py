"""Keys: what they open, and that a bad one is never treated as none."""

import dataclasses

import pytest
from conftest import Served, serve

from app.http import auth
from app.settings import Settings

pytestmark = pytest.mark.anyio


async def test_bad_keys_are_refused_everywhere(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        good = (await api.key("read_drafts"))["Authorization"]
        expired = await api.db.write(auth.create_key, "old", ("read_drafts",), 1)
        revoked = await api.db.write(auth.create_key, "revoked", ("read_drafts",))
        assert (await api.db.write(auth.revoke_key, int(revoked.value.split("_")[1]))).value
        for header in (
            "", "Bearer", "Bearer dl_1_x", f"Basic {good[7:]}", good[:-1], f"{good}x", "Bearer dl_999_" + "a" * 43,
            f"Bearer {expired.value}", f"Bearer {revoked.value}",
        ):  # fmt: skip
            for path in ("/v1/articles", "/v1/articles/1", "/v1/regions/belgium", "/v1/tags", "/v1/search"):
                response = await api.public.get(path, headers={"Authorization": header})
                assert (response.status_code, response.json()["code"]) == (401, "unauthorized"), (header, path)
                assert response.headers["www-authenticate"] == "Bearer"
                assert response.headers["cache-control"] == "no-store"
        for fine in (good, good.replace("Bearer", "bearer")):
            assert (await api.public.get("/v1/articles", headers={"Authorization": fine})).status_code == 200


async def test_key_is_stored_as_a_hash_with_its_last_use(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        header = await api.key("read_drafts")
        await api.public.get("/v1/tags", headers=header)
        [_, listed] = (await api.db.write(auth.list_keys)).value
        assert listed["last_used_at"] is not None
        stored = sqlite_settings.data_dir / "dateline.db"
        secret = header["Authorization"].rsplit("_", 1)[0]
        assert secret
        wal = stored.with_name("dateline.db-wal")
        raw = stored.read_bytes() + (wal.read_bytes() if wal.exists() else b"")
        assert header["Authorization"][-40:].encode() not in raw


async def test_private_archive_asks_everybody_for_a_key(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"public_reads": False})) as api:
        for path in ("/v1/articles", "/v1/articles/1", "/v1/regions", "/v1/tags", "/v1/search", "/v1/resolve?url=x"):
            assert (await api.public.get(path)).status_code == 401, path
        key = await api.key("write")
        assert (await api.public.get("/v1/articles", headers=key)).status_code == 200
        for path in ("/health/live", "/openapi.json", "/problems"):
            assert (await api.public.get(path)).status_code == 200, path


async def test_scopes_of_writing_are_told_apart(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        draft, live = {"title": "A draft"}, {"title": "Live", "status": "published"}
        assert (await _post(api, draft, None)) == (401, None)
        assert (await _post(api, draft, ("read_drafts", "publish"))) == (403, "write")
        assert (await _post(api, draft, ("write",))) == (201, None)
        assert (await _post(api, live, ("write",))) == (403, "publish")
        assert (await _post(api, live, ("write", "publish"))) == (201, None)


async def _post(api: Served, body: dict[str, str], scopes: tuple[str, ...] | None) -> tuple[int, str | None]:
    headers = await api.key(*scopes) if scopes else {}
    response = await api.public.post("/v1/articles", json=body, headers=headers)
    return response.status_code, response.json().get("scope")


def test_caller_without_a_key_has_no_scopes() -> None:
    assert not any(auth.PUBLIC.has_scope(scope) for scope in auth.SCOPES)
    assert dataclasses.replace(auth.PUBLIC, key=1, scopes=frozenset({"write"})).has_scope("write")
