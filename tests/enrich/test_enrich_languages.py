"""Which language articles get, by whatever door they come, and what `dateline enrich --language` makes of it."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from conftest import ENGINES, Served, serve
from sqlmodel import Session
from test_enrich_imports import KEPT, article, import_stories, suggestions

from app.__main__ import main
from app.articles.repair import unset_languages
from app.enrich import language
from app.settings import Settings

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(language.model() is None, reason="the extra `importers` is not installed"),
]
both = pytest.mark.parametrize("database_url", ENGINES, indirect=True)

FRENCH = "Le conseil municipal a voté mardi la fermeture du vieux pont, le temps que les ingénieurs l'examinent."
GREEK = "Το δημοτικό συμβούλιο αποφάσισε την Τρίτη να κλείσει την παλιά γέφυρα."
Json = dict[str, Any]


async def test_article_written_without_a_language_gets_that_of_its_text(api: Served) -> None:
    shown = await api.post(title="Le vieux pont ferme", body=FRENCH)
    assert shown["language"] == "fr"
    kept = await suggestions(api, int(str(shown["id"])), "language")
    assert [(one["language"], one["taken"]) for one in kept] == [("fr", True)]


async def test_article_that_says_too_little_is_in_no_language(api: Served) -> None:
    shown = await api.post(title="Xi", body="42", status="published")
    assert shown["language"] == "und"
    listed = (await api.public.get("/v1/articles?language=und")).json()["data"]
    assert [one["id"] for one in listed] == [shown["id"]]
    assert (await api.public.get("/v1/articles?language=en")).json()["data"] == []
    table = await api.public.get("/v1/articles?fields=id,language", headers={"Accept": "text/csv"})
    assert "und" in table.text


async def test_language_that_an_editor_gives_stands(api: Served) -> None:
    shown = await api.post(title="Le vieux pont ferme", body=FRENCH, language="oc")
    assert shown["language"] == "oc"
    path, headers = f"/v1/articles/{shown['id']}", {"If-Match": "*"}
    replaced = await api.editor.put(path, json={"title": "Le pont", "body": FRENCH}, headers=headers)
    assert replaced.json()["language"] == "oc"
    patched = await api.editor.patch(path, json={"language": "English"}, headers=headers)
    assert patched.status_code == 422


async def test_archive_without_enrichment_recognises_nothing(settings: Settings) -> None:
    async with serve(settings.model_copy(update={"enrich": False})) as api:
        assert (await api.post(title="Le vieux pont ferme", body=FRENCH))["language"] == "und"


@pytest.mark.parametrize(
    ("said", "code"), [("German", "de"), ("de_AT", "de-at"), ("und", "fr"), ("unheard of", "fr"), (None, "fr")]
)
async def test_source_names_the_language_or_its_text_tells(api: Served, said: str | None, code: str) -> None:
    named = {"language": said} if said else {}
    import_stories(api, {"id": "one", "title": "Le vieux pont ferme", "body": FRENCH, **named})
    assert (await article(api))["language"] == code


def look_anew(api: Served) -> list[tuple[str, str]]:
    with api.db.snapshot() as snapshot:
        chunk = unset_languages.find(snapshot.connection, -1)
    changed = api.db.write_now(unset_languages.apply, chunk.changes, "").value if chunk.changes else []
    return sorted((one.old, one.new) for one in chunk.changes if one.id in changed)


def call_everything(api: Served, code: str) -> None:
    """As articles were that earlier versions brought in: in English, with nothing recognised."""

    def change(session: Session) -> None:
        session.connection().exec_driver_sql(f"UPDATE article SET language = '{code}'")
        session.connection().execute(KEPT.delete())

    api.db.write_now(change)


@both
async def test_what_nobody_has_set_is_looked_at_anew_and_nothing_else(api: Served) -> None:
    import_stories(
        api,
        {"id": "silent", "title": "Γέφυρα", "body": GREEK},
        {"id": "named", "title": "Pont", "body": FRENCH, "language": "oc"},
        {"id": "short", "title": "Xi", "body": "42"},
        {"id": "edited", "title": "Pont", "body": FRENCH},
    )
    call_everything(api, "en")
    edited = await article(api, "edited")
    headers = {"If-Match": "*"}
    await api.editor.patch(f"/v1/articles/{edited['id']}", json={"language": "oc"}, headers=headers)
    before = await article(api, "silent")
    assert look_anew(api) == [("en", "el"), ("en", "und")]
    after = await article(api, "silent")
    assert (after["language"], after["version"], after["title"]) == ("el", before["version"] + 1, "Γέφυρα")
    assert [(await article(api, one))["language"] for one in ("named", "edited")] == ["en", "oc"]
    versions = (await api.editor.get(f"/v1/articles/{after['id']}/revisions")).json()["data"]
    assert [one["saved_by"] for one in versions] == ["dateline enrich", "import"]
    changes = (await api.public.get("/v1/changes?since=0")).json()["data"]
    assert changes[-1]["article"]["id"] == (await article(api, "short"))["id"]
    assert look_anew(api) == []


async def test_article_written_without_a_language_is_looked_at_anew_until_somebody_sets_one(api: Served) -> None:
    shown = await api.post(title="Xi", body="42", status="published")
    path, headers = f"/v1/articles/{shown['id']}", {"If-Match": "*"}
    await api.editor.patch(path, json={"body": FRENCH}, headers=headers)
    assert look_anew(api) == [("und", "fr")]
    await api.editor.patch(path, json={"body": GREEK}, headers=headers)
    assert look_anew(api) == [("fr", "el")]
    kept = await suggestions(api, int(str(shown["id"])), "language")
    assert [(one["language"], one["taken"]) for one in kept] == [("el", True)]
    await api.editor.patch(path, json={"language": "grc"}, headers=headers)
    assert look_anew(api) == []


async def test_article_that_was_saved_meanwhile_is_left_for_the_next_time(api: Served) -> None:
    shown = await api.post(title="Xi", body="42")
    headers = {"If-Match": "*"}
    await api.editor.patch(f"/v1/articles/{shown['id']}", json={"body": FRENCH}, headers=headers)
    with api.db.snapshot() as snapshot:
        changes = unset_languages.find(snapshot.connection, -1).changes
    await api.editor.patch(f"/v1/articles/{shown['id']}", json={"body": GREEK}, headers=headers)
    assert api.db.write_now(unset_languages.apply, changes, "").value == []
    assert look_anew(api) == [("und", "el")]


@both
async def test_article_in_any_state_keeps_everything_else(api: Served) -> None:
    made = [await api.post(title=f"{n}", body="42", status="published", tags=["news"]) for n in range(10, 13)]
    paths, headers = [f"/v1/articles/{one['id']}" for one in made], {"If-Match": "*"}
    paths.append(f"/v1/articles/{(await api.post(title='99', body='42'))['id']}")
    await api.editor.patch(paths[0], json={"body": FRENCH, "related": [{"title": "10"}]}, headers=headers)
    for path in paths[1:]:
        await api.editor.patch(path, json={"body": FRENCH}, headers=headers)
    await api.editor.delete(f"{paths[1]}?reason=Wrong.", headers=headers)
    await api.editor.patch(paths[2], json={"status": "draft", "gone": True}, headers=headers)
    await api.editor.delete(paths[3], headers=headers)
    before = [(await api.editor.get(f"{path}?include=markdown")).json() for path in paths]
    assert look_anew(api) == [("und", "fr")] * 4
    after = [(await api.editor.get(f"{path}?include=markdown")).json() for path in paths]
    for was, now in zip(before, after, strict=True):
        changed = {name for name in was if was[name] != now[name]}
        assert changed <= {"language", "version", "updated_at", "request_id"}


async def test_what_an_undo_took_back_still_comes_back_with_its_source(api: Served) -> None:
    story = {"id": "one", "title": "Pont", "body": FRENCH}
    import_stories(api, story, enrich=False)
    api.db.write_now(
        lambda session: session.connection().exec_driver_sql(
            "UPDATE article SET status = 'withdrawn', withdrawn_at = 1, saved_by = 'undo'"
        )
    )
    assert look_anew(api) == []


@pytest.fixture
def dateline(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs a command on an archive that is this test's own; returns what it printed."""
    (tmp_path / "data").mkdir()
    shutil.copy(sqlite_template, tmp_path / "data" / "dateline.db")
    monkeypatch.setenv("DATELINE_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["dateline", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capfd.readouterr().out

    return run


@pytest.mark.slow
def test_command_says_what_would_change_then_changes_it_once(dateline: Callable[..., str], tmp_path: Path) -> None:
    stories = tmp_path / "stories.ndjson"
    rows = [{"id": "a", "title": "Pont", "body": FRENCH}, {"id": "b", "title": "Γέφυρα", "body": GREEK}]
    stories.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    dateline("import", stories, "--no-enrich")
    expected: Json = {
        "read": 2, "unset": 2, "changed": 2, "dry_run": True,
        "languages": [{"from": "und", "to": one, "articles": 1} for one in ("el", "fr")],
    }  # fmt: skip
    assert orjson.loads(dateline("enrich", "--language", "--dry-run", "--json")) == expected
    assert "2 got another one" in dateline("enrich", "--language")
    again = orjson.loads(dateline("enrich", "--language", "--json"))
    assert again == {"read": 2, "unset": 2, "changed": 0, "dry_run": False, "languages": []}
    assert "dateline enrich" in dateline("audit", "--json")
    assert "WRONG" not in dateline("check")
