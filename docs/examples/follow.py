"""Keeps a copy of an archive, or of a part of it, in a JSON file: python follow.py ADDRESS FILE [FILTER] [--once]

    python follow.py http://127.0.0.1:8000 copy.json 'tag=nato&region=europe'

Stop it whenever you like: it goes on where it stood. Needs httpx.
"""

import json
import os
import sys
import time
from collections.abc import Iterable
from urllib.parse import parse_qsl

import httpx

FIELDS = "slug,version,title,standfirst,published_at,tags,regions,body"


def start(filters: list) -> dict:
    """Nothing yet, at the beginning of the changes: by them the first copy comes too, and goes on where it was cut off.
    It is whole once a page says that there are no more."""
    return {"place": "0", "after": None, "filter": filters, "articles": {}}


def follow(client: httpx.Client, copy: dict, filters: list, wait: int) -> tuple[dict, bool]:
    """The next changes taken in, and whether there are more at once. Of each article only the latest change comes."""
    if copy.get("after") is not None:
        export(client, copy, filters)
        return copy, True
    page_of = [("since", copy["place"]), ("compact", "true"), ("limit", 1000), ("wait", wait)]
    query = [*filters, *page_of, ("include", "article"), ("fields", FIELDS)]
    response = client.get("/v1/changes", params=query)
    if response.status_code == 410:  # the server cannot say what we missed: everything anew, behind no article yet
        return start(filters) | {"place": None, "after": 0}, True
    response.raise_for_status()
    page = response.json()
    for change in page["data"]:
        if change["article"] is None:
            relabel(copy["articles"].values(), change)
        elif change["card"] is None:  # left_filter, withdrawn, purged, or gone since
            copy["articles"].pop(str(change["article"]["id"]), None)
        else:
            copy["articles"][str(change["card"]["id"])] = change["card"]
    copy["place"] = page["next"]
    return copy, page["has_more"]


def export(client: httpx.Client, copy: dict, filters: list) -> None:
    """Everything there is, or what is left of it behind the last line that came. The place before the first line is
    where the changes go on, so that nothing that changes meanwhile is missed."""
    query = [*filters, ("after", copy["after"]), ("fields", FIELDS)]
    with client.stream("GET", "/v1/export", params=query) as response:
        response.raise_for_status()
        copy["place"] = copy["place"] or response.headers["x-seq"]
        for line in response.iter_lines():
            article = json.loads(line)
            if "end" in article:
                copy["after"] = None
                return
            copy["articles"][str(article["id"])] = article
            copy["after"] = article["id"]
    raise httpx.ReadError("the export broke off")


def relabel(articles: Iterable[dict], change: dict) -> None:
    """A tag or region is called something else now, and may stand in any article. Aliases, names in other languages
    and members of regions stand in none; what is null here is in no article of ours any more."""
    new = change["tag"] or change["region"]
    if new is None or (change["changed_fields"] and not {"name", "slug", "kind"} & {*change["changed_fields"]}):
        return
    for article in articles:
        for shown in article["regions" if change["region"] else "tags"]:
            if shown["id"] == new["id"]:
                shown.update((name, value) for name, value in new.items() if name in shown)


def save(copy: dict, path: str) -> None:
    """Articles and place together or not at all; a change taken in twice does no harm."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(copy, file, ensure_ascii=False)
    os.replace(path + ".new", path)


def main(address: str, path: str, query: str = "", *, once: bool) -> None:
    filters = [list(pair) for pair in parse_qsl(query)]
    copy = None
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            copy = json.load(file)
    with httpx.Client(base_url=address, timeout=60) as client:
        more = True
        while more or not once:
            try:
                if copy is None or copy["filter"] != filters:
                    copy = start(filters)
                copy, more = follow(client, copy, filters, 0 if once else 25)
                save(copy, path)
            except (httpx.TransportError, httpx.HTTPStatusError, json.JSONDecodeError) as error:
                if once or (isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 429):
                    raise
                save(copy, path)
                sys.stderr.write(f"{error}\n")
                time.sleep(5)


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--once"]
    main(*arguments, once="--once" in sys.argv)
