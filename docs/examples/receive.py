"""Receives a webhook and keeps a copy in a JSON file: WEBHOOK_SECRET=whsec_… python receive.py PORT FILE

Needs the package standardwebhooks. Behind a proxy with TLS, and with a database instead of the file, it is good for
more.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

PORT, FILE, SECRET = int(sys.argv[1]), Path(sys.argv[2]), os.environ["WEBHOOK_SECRET"]
articles = json.loads(FILE.read_text()) if FILE.exists() else {}


def take_in(message: dict) -> None:
    """Twice is as good as once."""
    change = message["data"]
    if message["type"].startswith("article."):
        if change["card"] is None:  # left_filter, withdrawn, purged, or gone since
            articles.pop(str(change["article"]["id"]), None)
        else:
            articles[str(change["card"]["id"])] = change["card"]
    elif (new := change.get("tag") or change.get("region")) is not None:  # called something else now
        for article in articles.values():
            for label in article["tags"] + article["authors"] + article["regions"]:
                is_same = label["id"] == new["id"] and ("level" in label) == ("level" in new)
                label.update({name: new[name] for name in label if name in new} if is_same else {})
    saved = FILE.with_suffix(".new")
    saved.write_text(json.dumps(articles))
    os.replace(saved, FILE)


class WebhookHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            take_in(Webhook(SECRET).verify(body, dict(self.headers)))
            self.send_response(204)
        except WebhookVerificationError:
            self.send_response(401)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


HTTPServer(("127.0.0.1", PORT), WebhookHandler).serve_forever()
