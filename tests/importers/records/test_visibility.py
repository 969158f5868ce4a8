"""Markers of what is not public, in every format: a draft with a note, also where a marker cannot be read."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.db.database import Database
from app.importers import pipeline, sources
from app.importers.document import Document, ParseContext, Remark, SourceDate
from app.importers.formats import markdown, ninjs
from app.importers.formats.feeds import feed
from app.importers.formats.pages import web_page
from app.importers.formats.registry import PARSERS
from app.importers.pipeline import ImportOptions, ImportReport
from app.importers.records import aliases, fields, visibility, visibility_names
from app.importers.sources import SourceInput
from app.models import Article, table

NOW = 1_764_000_000  # 2025-11-24
CONTEXT = ParseContext(now=NOW)
LATER = "2031-05-06T07:08:09Z"
LATER_INSTANT = 1_935_817_689


def read(**record: object) -> Document:
    document = fields.read_record({"title": "T", "body": "Text.", **record}, "f:1", CONTEXT)
    assert isinstance(document, Document)
    return document


@pytest.mark.parametrize(
    "marker",
    [
        {"draft": True}, {"draft": "yes"}, {"draft": 1}, {"is_draft": True}, {"isDraft": "true"},
        {"published": False}, {"published": "no"}, {"published": 0}, {"is_published": False}, {"isPublished": False},
        {"public": "off"}, {"visible": False}, {"publish": False}, {"publishedAt": None}, {"publishedAt": False},
        {"hidden": True}, {"unlisted": True}, {"private": True}, {"headless": True},
        {"listed": False}, {"active": "no"}, {"enabled": 0}, {"is_online": "false"}, {"wip": True},
        {"status": "draft"}, {"status": "Pending"}, {"status": "private"}, {"status": "auto-draft"},
        {"status": "inherit"}, {"status": "trash"}, {"status": "in review"}, {"status": 0}, {"status": False},
        {"status": {"name": "Idea"}}, {"state": "draft"}, {"state": "pending"}, {"state": "private"}, {"state": -2},
        {"workflow_state": "wip"}, {"moderation_state": "archived"}, {"post_status": "draft"},
        {"visibility": "private"}, {"visibility": "members"}, {"visibility": "paid"}, {"audience": "only_paid"},
        {"password": "tide"}, {"post_password": "tide"}, {"deleted_at": "2024-01-01"},
        {"expiryDate": "2024-01-01"}, {"expires": "2025-11-23"}, {"expired": True}, {"unpublish_on": "2024"},
        {"build": {"render": "never"}}, {"_build": {"render": False}}, {"build": {"list": "never"}},
        {"build": {"render": "link"}}, {"render": False}, {"permalink": False},
        {"eleventyExcludeFromCollections": True}, {"_id": "drafts.4711"},
        {"sys": {"type": "Entry", "version": 3}}, {"sys": {"type": "Entry", "version": 9, "archivedAt": "2024-01-01"}},
        {"status": "published", "draft": True}, {"status": "published", "visibility": "members"},
        {"published": False, "publishDate": LATER}, {"draft": True, "embargo": LATER},
        {"publishedAt": None, "status": "published"}, {"live": False}, {"statut": "prepa"},
        {"statut": "prop"}, {"statut": "refuse"}, {"statut": "poubelle"}, {"statut": "perhaps"}, {"workflow": "draft"},
        {"workflow": "Legal check"}, {"workflow": {"state": "draft"}}, {"stage": "DRAFT"}, {"stage": "Copy edit"},
        {"phase": "in review"}, {"approved": False}, {"on_hold": True}, {"do_not_publish": True}, {"hold": "yes"},
        {"__Never publish": 1}, {"restricted": True}, {"_status": "modified"}, {"fe_group": "2"}, {"draftId": 7},
        {"enabledForSite": False}, {"retracted": "perhaps"}, {"tstamp": 1, "endtime": 1_700_000_000},
        {"_id": "versions.r1.4711"}, {"revision": {"published": False}}, {"expire_at": "2024-01-01"},
        {"publish_down": "2024-01-01 00:00:00"}, {"editorial_status": "someday"},
    ],
    ids=repr,
)  # fmt: skip
def test_marker_makes_a_draft_with_a_note(marker: dict[str, object]) -> None:
    document = read(**{"date": "2025-01-02", **marker})
    assert (document.status, document.published) == ("draft", SourceDate(1735776000, "day"))
    assert any(note.endswith("kept as a draft") for note in document.notes), document.notes


def test_published_article_may_lack_the_date_that_an_archive_calls_published_at() -> None:
    assert read(published_at=None, status="published").status == "published"
    assert read(publishedAt=None, status="published").status == "draft"


@pytest.mark.parametrize("name", ["published_at", "published-at", "first_published_at", "firstPublicationDate"])
def test_missing_stamp_of_publication_makes_a_draft_unless_the_item_has_another_date(name: str) -> None:
    document = read(**{name: None})
    assert document.status == "draft"
    assert document.notes == (f"{name}: null: not public at its source, kept as a draft",)
    assert read(**{name: None, "date": "2025-01-02"}).status is None


@pytest.mark.parametrize("marker", [
    {"workflow": "newsroom"}, {"story_status": "developing"}, {"news_status": "breaking"}, {"is_live": False},
    {"article_state": "California"}, {"review_status": "reviewed"}, {"record_status": "A"}, {"stage": "Pyramid"},
])  # fmt: skip
def test_names_that_mean_other_things_elsewhere_hide_by_known_words_alone(marker: dict[str, object]) -> None:
    assert read(**marker).status is None


@pytest.mark.parametrize(
    "silent",
    [
        {}, {"draft": False}, {"draft": ""}, {"draft": None}, {"published": True}, {"published": "yes"},
        {"published": "2025-01-02"}, {"published": 1_700_000_000}, {"published": None}, {"hidden": "no"},
        {"published_at": ""}, {"published_at": None, "first_published_at": "2024-01-01"}, {"live": True},
        {"status": None, "live": "https://example.org/"}, {"retracted": False}, {"withdrawn": None},
        {"approved": True}, {"hold": "the front page"}, {"internal": "none"}, {"on_hold": False}, {"stage": "Pyramid"},
        {"stage": "live"}, {"stage": 12}, {"workflow": {"status_code": 1}}, {"workflow": None}, {"fe_group": "0"},
        {"deleted_at": "0000-00-00 00:00:00"}, {"publish_down": "0000-00-00 00:00:00"}, {"starttime": LATER},
        {"endtime": "2024-01-01"}, {"tstamp": 1, "starttime": 0, "endtime": "0"}, {"id": "versions.html"},
        {"revision": {"published": True}}, {"enabledForSite": True}, {"draftId": None}, {"phase": "two"},
        {"visibility": "public"}, {"visibility": None}, {"audience": "everyone"}, {"audience": "General public"},
        {"access": "by ferry"}, {"state": "NJ"}, {"state": "Texas", "city": "Austin"}, {"state": ""},
        {"password": ""}, {"deleted_at": None}, {"expiryDate": "2031"}, {"expires": ""}, {"expires": False},
        {"embargo": "2024-01-01"}, {"embargo": False}, {"embargo": ""}, {"publishDate": "2024-01-01"},
        {"build": {"render": "always"}}, {"build": "make all"}, {"sys": {"type": "Entry", "version": 4,
        "publishedVersion": 3}}, {"sys": {"type": "Entry", "revision": 3}}, {"permalink": "/a/"},
        {"active": True}, {"online": "https://example.org/"}, {"enabled": "comments"}, {"wip": False},
    ],
    ids=repr,
)  # fmt: skip
def test_item_without_a_marker_says_nothing_of_its_state(silent: dict[str, object]) -> None:
    document = read(**silent)
    assert document.status is None


def test_words_for_what_is_public_and_withdrawn_are_understood() -> None:
    for word in ("published", "Publish", "LIVE", "public", 1, True):
        assert visibility.read_word("status", read(status=word).status).status == "published"
    for word in ("withdrawn", "canceled", "retracted"):
        assert visibility.read_word("status", read(status=word).status).status == "withdrawn"
    assert [read(statut=word).status for word in ("publie", "Publié")] == ["published"] * 2
    assert [read(stage=word).status for word in ("PUBLISHED", "canceled")] == ["published", "withdrawn"]
    # A live blog that is over, and not a page that Wagtail keeps back.
    assert (read(status="published", live=False).status, read(live=False, draft=True).status) == ("published", "draft")
    assert read(status="published", published=False).status == "draft"
    assert read(status="scheduled", published=False, date=LATER).status == "scheduled"


@pytest.mark.parametrize("name", ["retracted", "isRetracted", "withdrawn", "withdrawn_at", "killed"])
@pytest.mark.parametrize("value", [True, "yes", 1, "2025-01-02", {"at": "2025-01-02", "reason": None}])
def test_retraction_is_one_under_whatever_name(name: str, value: object) -> None:
    assert read(**{name: value}).status == "withdrawn"


def test_times_of_typo3_are_an_embargo_and_an_end() -> None:
    document = read(crdate=1, starttime=LATER)
    assert (document.status, document.published) == ("scheduled", SourceDate(LATER_INSTANT, "instant"))


@pytest.mark.parametrize(
    "name",
    [
        *("publishDate", "publish_up", "embargo", "embargoed_until", "publish_on", "scheduled_at", "publication_date"),
        *("published_date", "pubDatetime", "scheduled_publish_time", "not_before", "go_live", "field_embargo"),
    ],
)
def test_date_to_come_is_an_embargo(name: str) -> None:
    document = read(**{"date": "2025-01-02", name: LATER})
    assert (document.status, document.published) == ("scheduled", SourceDate(LATER_INSTANT, "instant"))
    assert any("scheduled until then" in note for note in document.notes)


def test_last_of_several_embargoes_counts() -> None:
    document = read(embargo="2030-01-01", publishDate=LATER, status="scheduled")
    assert (document.status, document.published) == ("scheduled", SourceDate(LATER_INSTANT, "instant"))


STRICT = sorted(
    (visibility_names.DRAFTS | visibility_names.STATUS | visibility_names.READERS | visibility_names.EMBARGOES)
    | (visibility_names.ENDS | visibility_names.CLEARED | (visibility_names.PUBLIC - visibility_names.PUBLISHED))
)


@given(st.sampled_from(STRICT), st.sampled_from(["perhaps", "?", "ask Ann", ["x"], {"a": 1}, "see below"]))
def test_marker_that_cannot_be_read_is_a_draft(name: str, value: object) -> None:
    document = read(**{name: value})
    assert document.status == "draft"


@given(st.text(min_size=1, max_size=12), st.one_of(st.booleans(), st.integers(), st.text(max_size=12), st.none()))
def test_other_fields_never_hide_an_item(name: str, value: object) -> None:
    if visibility.is_marker(name) or aliases.fold_name(name) in ("id", "build"):
        return
    assert read(**{"date": "2025-01-02", name: value}).status is None


@pytest.mark.parametrize("value", [True, False, "true", "no", "yes", "off"])
def test_boolean_is_never_a_date(value: object) -> None:
    assert read(date=value).published is None
    assert read(updated=value).updated is None
    document = read(published_at=value, date="2025-01-02")
    assert document.published == SourceDate(1735776000, "day")


def test_own_export_is_believed_and_no_news() -> None:
    own = {"id": 7, "version": 2, "published_precision": "instant", "published_at": None, "hidden": True}
    document = read(**own, status="draft")
    assert (document.status, document.notes) == ("draft", ())
    assert read(**own, status="published").status == "published"


def test_markers_are_no_unknown_fields() -> None:
    for name in ("is_draft", "expiryDate", "visibility", "_build", "eleventyExcludeFromCollections", "publishDate"):
        assert visibility.is_marker(name) or aliases.find_field(name)
    assert not visibility.is_marker("layout")


def entries(data: str) -> Iterator[object]:
    return feed.parse(io.BytesIO(data.encode()), "f.atom", CONTEXT)


APP = ("http://www.w3.org/2007/app", "http://purl.org/atom/app#")


@pytest.mark.parametrize("namespace", APP)
@pytest.mark.parametrize(("prefix", "said", "status"), [
    ("app", "yes", "draft"), ("app", "no", None), ("z", "yes", "draft"), ("", "yes", "draft"), ("app", "soon", "draft"),
])  # fmt: skip
def test_draft_of_the_atom_publishing_protocol(namespace: str, prefix: str, said: str, status: str | None) -> None:
    colon, declared = (f"{prefix}:", f"xmlns:{prefix}") if prefix else ("", "xmlns")
    control = f'<{colon}control {declared}="{namespace}"><{colon}draft>{said}</{colon}draft></{colon}control>'
    atom = (
        '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><entry><id>a:1</id>'
        f"<title>T</title>{control}<content>Text.</content></entry></feed>"
    )
    [result] = entries(atom)
    assert isinstance(result, Document)
    assert result.status == status


def test_settings_template_and_comments_of_blogger_are_no_articles() -> None:
    kinds = ("settings", "template", "comment", "post", "page")
    old = "".join(
        f'<entry><id>tag:blogger.com,1999:{kind}</id><category scheme="http://schemas.google.com/g/2005#kind" '
        f'term="http://schemas.google.com/blogger/2008/kind#{kind}"/><title>{kind}</title><content>x</content></entry>'
        for kind in kinds
    )
    new = "".join(
        f"<entry><id>tag:{kind}{status}</id><b:type>{kind}</b:type><b:status>{status}</b:status><title>{kind}</title>"
        "<content>x</content></entry>"
        for kind, status in (("POST", "LIVE"), ("POST", "DRAFT"), ("COMMENT", "LIVE"), ("POST", "SOFT_TRASHED"))
    )
    head = '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:b="http://schemas.google.com/blogger/2018">'
    items = list(entries(f"{head}<title>F</title>{old}{new.replace('b:', 'blogger:')}</feed>".replace(
        "xmlns:b=", "xmlns:blogger=")))  # fmt: skip
    states = [(one.title, one.status) for one in items if isinstance(one, Document)]
    assert states == [
        ("post", None), ("page", None), ("POST", "LIVE"), ("POST", "draft"), ("POST", "draft"),
    ] or states == [
        ("post", None), ("page", None), ("POST", "published"), ("POST", "draft"), ("POST", "draft"),
    ]  # fmt: skip
    assert [one.text for one in items if isinstance(one, Remark)] == [
        "left out: a setting of a Blogger export",
        "left out: the template of a Blogger export",
        "left out: a comment of a Blogger export",
        "left out: a comment of a Blogger export",
    ]


def test_front_matter_says_it_as_jekyll_hugo_and_eleventy_do() -> None:
    for line in (
        "published: false", "published: no", "draft: true", "publishDate: 2031-01-01", "expiryDate: 2024-01-01",
        "build:\n  render: never", "_build:\n  render: never", "headless: true", "permalink: false",
        "eleventyExcludeFromCollections: true", "status: hidden", "unlisted: true",
    ):  # fmt: skip
        [result] = markdown.parse(f"---\ntitle: T\n{line}\n---\nText.".encode(), "a.md", CONTEXT)
        assert isinstance(result, Document)
        assert result.status == ("scheduled" if "publishDate" in line else "draft"), line
    [result] = markdown.parse(b'+++\ntitle = "T"\ndraft = true\n+++\nText.', "a.md", CONTEXT)
    assert isinstance(result, Document)
    assert result.status == "draft"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("blog/_drafts/a.md", "draft"), ("blog/_drafts/deep/a.md", "draft"), ("posts/draft_Quay-9f.html", "draft"),
        ("blog/_posts/a.md", None), ("blog/a_drafts.md", None), ("posts/drafting.html", None), ("draft_note.md", None),
    ],
)  # fmt: skip
def test_folders_and_names_of_files_say_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, status: str | None
) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "<html><body><article><h1>T</h1><p>A long enough text about works at the quay.</p></article></body></html>"
    file.write_text(text if file.suffix == ".html" else "---\ntitle: T\n---\nText.")
    monkeypatch.chdir(file.parent)
    for given_path in (str(tmp_path), str(file), file.name, "."):
        [source] = sources.find_sources([given_path], io.BytesIO())
        [result] = sources.read_items(source, None, CONTEXT)
        assert isinstance(result, Document), result
        assert (result.status, bool(result.notes and "draft" in result.notes[-1])) == (status, status == "draft")


def page(head: str, classes: str = "") -> Document:
    text = f"<html><head><title>T</title>{head}</head><body><article class='{classes}'><h1>T</h1>"
    text += "<p>The quay is being mended until the spring, the harbour master said.</p></article></body></html>"
    result = web_page.read_page(text, "a.html", CONTEXT)
    assert isinstance(result, Document)
    return result


def test_web_page_says_it() -> None:
    work = '{"@type": "NewsArticle", "headline": "T", "articleBody": "The quay.", %s}'
    script = '<script type="application/ld+json">%s</script>'
    assert page("").status is None
    assert page(script % (work % '"creativeWorkStatus": "Draft"')).status == "draft"
    assert page(script % (work % '"creativeWorkStatus": "Published"')).status is None
    assert page(script % (work % '"expires": "2024-01-01"')).status == "draft"
    assert page('<meta property="article:expiration_time" content="2024-01-01T00:00:00Z">').status == "draft"
    assert page('<meta property="article:expiration_time" content="2031-01-01T00:00:00Z">').status is None
    assert page("", "post-7 post type-post status-draft hentry").status == "draft"
    assert page("", "post-7 post type-post status-publish hentry").status is None


def test_article_that_an_earlier_import_made_public_stays_so_until_it_is_overwritten(db: Database) -> None:
    """Earlier versions knew fewer markers: the article is public here, and its source says the same as ever."""

    def run(line: bytes, *, overwrite: bool = False) -> tuple[ImportReport, str]:
        source = SourceInput("f.ndjson", "f.ndjson", lambda: io.BytesIO(line))
        report = pipeline.run_import(db, [source], ImportOptions(enrich=False, overwrite=overwrite), lambda: NOW)
        with db.snapshot() as snapshot:
            return report, snapshot.connection.execute(select(table(Article).c.status)).scalar_one()

    hidden = b'{"id": "1", "title": "T", "body": "Text.", "isPublished": false}'
    assert run(hidden.replace(b', "isPublished": false', b""))[1] == "published"
    for _ in range(2):
        report, status = run(hidden)
        assert status == "published"
        assert "draft at the source, public here" in report.notes
    assert run(hidden, overwrite=True)[1] == "draft"


@pytest.mark.parametrize("name", ["Published?", "published ?", "Public?", "is_published*"])
def test_column_that_asks_is_a_marker(name: str) -> None:
    assert read(**{name: "No"}).status == "draft"
    assert [read(**{name: said}).status for said in ("✓", "checked", "Yes")] == [None, None, None]


@pytest.mark.parametrize(
    ("note", "status"),
    [
        ("EMBARGOED until Monday 10:00", "draft"), ("Eds: Embargo 0900 GMT", "draft"), ("SPERRFRIST: 18 Uhr", "draft"),
        ("Not for publication before Monday.", "draft"), ("Please do not use.", "draft"),
        ("Adds a comment on the trade embargo", None), ("EMBARGO LIFTED, adds details", None), ("", None),
        ("Not for publication until the embargo is lifted", "draft"), ("EMBARGOED: minister hands over power", "draft"),
        ("Embargo will be lifted at 18:00", "draft"), ("Embargo lifted at 18:00", "draft"),
        ("Embargo lifted; photos: embargo until Monday", "draft"),
        ("Embargo: none", None), ("No longer embargoed.", None), ("Not embargoed", None), ("Embargo has passed", None),
    ],
)  # fmt: skip
def test_words_to_editors_may_keep_an_item_back(note: str, status: str | None) -> None:
    assert read(ednote=note).status == status


def test_items_of_agencies_are_kept_back_by_their_notes() -> None:
    item: dict[str, object] = {"uri": "urn:x:1", "versioncreated": "2024-01-01T00:00:00Z", "headline": "T"}
    cases: tuple[tuple[dict[str, object], str], ...] = (
        ({}, "published"),
        ({"ednote": "Embargoed until noon"}, "draft"),
        ({"ednote": "Embargoed until noon", "embargoed": "2024-01-01T12:00:00Z"}, "scheduled"),
        ({"expires": "2024-02-01T00:00:00Z"}, "published"),
    )
    for more, status in cases:
        document = ninjs.read_item({**item, **more}, "f", CONTEXT)
        assert isinstance(document, Document)
        assert document.status == status, more


@pytest.mark.parametrize(("data", "status"), [("", "draft"), ('<date.release norm="20240101"/>', "published")])
def test_message_of_nitf_keeps_an_item_back_unless_it_has_a_date_of_release(data: str, status: str) -> None:
    head = f'<head><docdata>{data}<ed-msg info="EMBARGO until Monday"/></docdata></head>'
    body = "<body><body.head><hedline><hl1>T</hl1></hedline></body.head><body.content><p>A</p></body.content></body>"
    [document] = PARSERS["nitf"](io.BytesIO(f"<nitf>{head}{body}</nitf>".encode()), "f", CONTEXT)
    assert isinstance(document, Document)
    assert document.status == status


def test_note_of_newsml_keeps_an_item_back() -> None:
    start = '<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:newsml:x:1"><itemMeta>'
    kind = '<itemClass qcode="ninat:text"/><pubStatus qcode="stat:usable"/>'
    rest = "</itemMeta><contentMeta><headline>T</headline></contentMeta></newsItem>"
    for note, status in (("<edNote>Embargoed until noon</edNote>", "draft"), ("<edNote>Adds</edNote>", "published")):
        [document] = PARSERS["newsml"](io.BytesIO((start + kind + note + rest).encode()), "f", CONTEXT)
        assert isinstance(document, Document)
        assert document.status == status
