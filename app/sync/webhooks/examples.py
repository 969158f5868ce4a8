"""What responses about webhooks look like, for the documentation."""

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw4x0cQd1sTgE="  # noqa: S105 -- nobody's
WEBHOOK: dict[str, object] = {
    "id": 1,
    "name": "Mobile app",
    "url": "https://app.example.org/hooks",
    "filter": {"tag": "nato"},
    "search": None,
    "include": [],
    "enabled": True,
    "state": "on",
    "off": None,
    "place": "ADTNUgf0LwAAAAAAAAABPgBmkY0m4QXl",
    "behind": 0,
    "waiting": 0,
    "failing_since": None,
    "next_try": None,
    "rotating_until": None,
    "version": 1,
    "created_at": "2025-05-14T09:12:44Z",
    "updated_at": "2025-05-14T09:12:44Z",
    "warnings": [],
}
CREATED = {**WEBHOOK, "secret": SECRET}
ROTATED = {"id": 1, "secret": SECRET, "rotating_until": "2025-05-15T09:12:44Z"}
MESSAGE = "msg_1_ADTNUgf0LwAAAAAAAAABPgBmkY0m4QXl"
ATTEMPT: dict[str, object] = {
    "id": 812,
    "at": "2025-05-14T09:12:45Z",
    "message": MESSAGE,
    "type": "article.updated",
    "target": {"entity": "article", "id": 21},
    "number": 1,
    "delivered": False,
    "status": 503,
    "error": "the receiver responds with 503",
    "ms": 38,
    "next_try": "2025-05-14T09:12:50Z",
}
TEST = {"message": "msg_1_test_5f0c2d9ab1e84c37", "delivered": True, "status": 204, "error": None, "ms": 41}
PAGE = {"limit": 20, "number": None, "next": None, "previous": None, "total": 1, "total_is": "exact"}
LIST = {"data": [WEBHOOK], "page": PAGE, "warnings": []}
ATTEMPTS = {"data": [ATTEMPT], "page": {**PAGE, "total": None, "total_is": "none"}, "warnings": []}
