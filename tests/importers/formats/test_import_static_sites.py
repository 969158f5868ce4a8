"""Folders of Jekyll and Hugo: slugs and addresses out of front matter, names of files and configuration."""

from pathlib import Path

import pytest
from support.exports import documents, read, write
from test_cli import Dateline, dateline

from app.importers.document import Document
from app.importers.prepare import prepare
from app.importers.records import item_urls
from app.regions.atlas import Atlas

__all__ = ["dateline"]


def post(title: str = "Quay", body: str = "Mended.", **front: str) -> str:
    lines = "".join(f"{name}: {value}\n" for name, value in front.items())
    return f"---\ntitle: {title}\n{lines}---\n{body}\n"


def one(folder: Path, name: str, text: str, base: str | None = None, **files: str) -> Document:
    result = documents(read(write(folder, {name: text, **files}), base_url=base))
    return next(document for document in result if document.where.endswith(Path(name).name))


@pytest.mark.parametrize(
    ("config", "front", "address"),
    [
        ("", {}, "https://port.example/2021/03/10/quay-works.html"),
        ("permalink: pretty\n", {}, "https://port.example/2021/03/10/quay-works/"),
        ("permalink: none\n", {"categories": "[sea, ports]"}, "https://port.example/sea/ports/quay-works.html"),
        ("permalink: /:year-:month/:slug\n", {"slug": "own"}, "https://port.example/2021-03/own"),
        ("permalink: /:unknown/:title\n", {}, None),
        ("baseurl: /blog\n", {"permalink": "/a/b/"}, "https://port.example/blog/a/b/"),
        ("", {"permalink": "/:title/"}, "https://port.example/quay-works/"),
    ],
)
def test_post_of_jekyll_has_the_address_that_its_site_gives_it(
    config: str, front: dict[str, str], address: str | None, tmp_path: Path
) -> None:
    document = one(
        tmp_path,
        "_posts/2021-03-10-quay-works.md",
        post(**front),
        **{"_config.yml": f"url: https://port.example\n{config}"},
    )
    assert document.source_url == address
    assert document.slug == ({"/a/b/": "b"}.get(front.get("permalink", "")) or front.get("slug") or "quay-works")


def test_day_in_the_name_of_a_file_is_the_post_s_where_nothing_else_says_one(tmp_path: Path) -> None:
    for name, front, date in (
        ("2021-03-10-quay.md", {}, (1615334400, "day")),
        ("2021-03-10-quay.md", {"date": "2020-01-02"}, (1577923200, "day")),
        ("2021-13-40-quay.md", {}, (None, "instant")),
    ):
        result = prepare(one(tmp_path, name, post(**front)), name, None, Atlas((), (), (), 0))
        assert (result.manuscript.published_at, result.manuscript.published_precision) == date
        assert ("name of the file" in " ".join(result.notes)) is (not front and date[0] is not None)


def test_address_of_the_command_goes_before_that_of_the_configuration(tmp_path: Path) -> None:
    site = {"_config.yml": "url: http://localhost:4000\n"}
    document = one(tmp_path, "_posts/2021-03-10-quay.md", post(), "https://port.example/x", **site)
    assert document.source_url == "https://port.example/x/2021/03/10/quay.html"


def test_without_an_address_of_the_site_there_are_slugs_and_a_note(tmp_path: Path) -> None:
    front = {"permalink": "/a/works.html", "redirect_from": "[/old/quay.html, /2012/99, 'https://old.example/q']"}
    document = one(tmp_path, "2021-03-10-quay.md", post(**front))
    assert (document.source_url, document.slug) == (None, "works")
    assert (document.previous_slugs, document.previous_urls) == (("quay",), ("https://old.example/q",))
    assert "--base-url" in " ".join(document.notes)
    assert one(tmp_path, "notes.md", post()).slug is None


@pytest.mark.parametrize(
    ("name", "front", "address", "slug"),
    [
        ("content/posts/One-Post.md", {}, "https://h.example/posts/one-post/", "One-Post"),
        ("content/posts/two/index.md", {}, "https://h.example/posts/two/", "two"),
        ("content/posts/three.md", {"slug": "drei"}, "https://h.example/posts/drei/", "drei"),
        ("content/posts/four.md", {"url": "/vier/"}, "https://h.example/vier/", "vier"),
        ("content/news/five.md", {"date": "2022-07-08"}, "https://h.example/2022/07/five/", "five"),
    ],
)
def test_page_of_hugo_has_the_address_that_its_site_gives_it(
    name: str, front: dict[str, str], address: str, slug: str, tmp_path: Path
) -> None:
    config = 'baseURL = "https://h.example/"\n[permalinks]\nnews = "/:year/:month/:slug/"\n'
    document = one(tmp_path, name, post(**front, aliases="[/old/, 'https://old.example/q']"), **{"hugo.toml": config})
    assert (document.source_url, document.slug) == (address, slug)
    assert document.previous_urls == ("https://h.example/old/", "https://old.example/q")


def test_links_and_pictures_of_a_site_lead_to_it(dateline: Dateline, tmp_path: Path) -> None:
    body = '![q]({{ site.baseurl }}/q.png) [a](/about/) [b](b.html) [c]({{ "/c/" | relative_url }}) [d](#d) [e](https://e.example)'
    write(tmp_path / "in", {"_config.yml": "baseurl: /blog\n", "_posts/2021-03-10-quay.md": post(body=body)})
    assert dateline("import", tmp_path / "in", "--base-url", "https://port.example/blog").status == 0
    exported = dateline("export").out
    for address in ("blog/q.png", "about/", "blog/2021/03/10/b.html", "blog/c/"):
        assert f'https://port.example/{address}\\"' in exported
    assert 'href=\\"https://e.example\\"' in exported
    again = dateline("import", "--json", tmp_path / "in", "--base-url", "https://port.example/blog").json()
    assert isinstance(again, dict)
    assert again["unchanged"] == 1
    assert dateline("import", tmp_path / "in", "--base-url", "port.example").status == 2


def test_address_of_the_site_given_later_changes_the_same_articles(dateline: Dateline, tmp_path: Path) -> None:
    posts = {
        "_posts/2021-03-10-quay.md": post(body="[a](/about/)", permalink="/works/"),
        "_posts/2021-03-11-slip.md": post("Slip", "[b](/slip/)", permalink="/:title/"),
        "_posts/2021-03-12-dock.md": post("Dock", "![c](c.png)", permalink="/:title/"),
    }
    write(tmp_path / "in", {"_config.yml": "title: Port\n", **posts})
    [first, second] = [
        dateline("import", "--json", tmp_path / "in", "--origin", "port", *base).json()
        for base in ((), ("--base-url", "https://port.example"))
    ]
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert (first["created"], second["created"], second["updated"]) == (3, 0, 3)
    exported = dateline("export").out
    for address in ("about/", "slip/", "works/", "dock/c.png"):
        assert f"https://port.example/{address}" in exported


@pytest.mark.parametrize("broken", ["url: [", "permalink: {a: b}\n", "- a\n- b\n"])
def test_configuration_that_cannot_be_read_changes_nothing(broken: str, tmp_path: Path) -> None:
    assert one(tmp_path, "_posts/2021-03-10-quay.md", post(), **{"_config.yml": broken}).slug == "quay"


def test_base_is_the_address_of_a_site() -> None:
    for url, good in (("https://a.example", True), ("ftp://a", False), ("https://u:p@a", False), ("a b", False)):
        assert item_urls.is_base(url) is good
