"""Many writers who have all read the same version of one article."""

import asyncio
from collections import Counter

from conftest import Served


async def one_wins_each_round(served: Served, *, rounds: int, writers: int) -> Counter[int]:
    """In each round all send another title with the same ETag: one is answered 200, the rest 412, and every version
    that was replaced is kept. Returns how often each status was answered."""
    made = await served.editor.post("/v1/articles", json={"title": "Title 0", "status": "published"})
    path, etag, titles = f"/v1/articles/{made.json()['id']}", made.headers["etag"], ["Title 0"]
    statuses: Counter[int] = Counter()
    for number in range(1, rounds + 1):
        bodies = [{"title": f"Title {number} of writer {writer}"} for writer in range(writers)]
        answers = await asyncio.gather(
            *(served.editor.patch(path, json=body, headers={"If-Match": etag}) for body in bodies)
        )
        won = [answer for answer in answers if answer.status_code == 200]
        assert len(won) == 1, Counter(answer.status_code for answer in answers)
        lost = [answer.json() for answer in answers if answer.status_code == 412]
        assert len(lost) == writers - 1
        assert {(one["code"], one["current_version"]) for one in lost} == {("precondition_failed", number + 1)}
        statuses.update(answer.status_code for answer in answers)
        titles.append(won[0].json()["title"])
        etag = won[0].headers["etag"]
    kept = [(await served.editor.get(f"{path}/revisions/{n}")).json()["title"] for n in range(1, rounds + 2)]
    assert kept == titles
    return statuses
