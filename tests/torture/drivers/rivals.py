"""Many writers who have all read the same version of one article."""

import asyncio
from collections import Counter

from conftest import Served


async def one_wins_each_round(api: Served, *, rounds: int, writers: int) -> Counter[int]:
    """In each round all send another title with the same ETag: one gets 200, the rest 412, and every version
    that was replaced is kept. Returns how often each status was sent."""
    made = await api.editor.post("/v1/articles", json={"title": "Title 0", "status": "published"})
    path, etag, titles = f"/v1/articles/{made.json()['id']}", made.headers["etag"], ["Title 0"]
    statuses: Counter[int] = Counter()
    for number in range(1, rounds + 1):
        bodies = [{"title": f"Title {number} of writer {writer}"} for writer in range(writers)]
        responses = await asyncio.gather(
            *(api.editor.patch(path, json=body, headers={"If-Match": etag}) for body in bodies)
        )
        won = [response for response in responses if response.status_code == 200]
        assert len(won) == 1, Counter(response.status_code for response in responses)
        lost = [response.json() for response in responses if response.status_code == 412]
        assert len(lost) == writers - 1
        assert {(one["code"], one["current_version"]) for one in lost} == {("precondition_failed", number + 1)}
        statuses.update(response.status_code for response in responses)
        titles.append(won[0].json()["title"])
        etag = won[0].headers["etag"]
    kept = [(await api.editor.get(f"{path}/revisions/{n}")).json()["title"] for n in range(1, rounds + 2)]
    assert kept == titles
    return statuses
