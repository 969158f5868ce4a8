"""A record of the log as a line: whole, of the request that it belongs to, and without secrets."""

import json
import logging
import sys

import pytest

from app.http.middleware import log_lines


def format_record(message: str, *arguments: object, exc_info: bool = False) -> str:
    caught = sys.exc_info() if exc_info else None
    record = logging.LogRecord("app.x", logging.ERROR, "x.py", 1, message, arguments, caught)
    return log_lines.JsonFormatter().format(record)


def test_line_has_the_request_the_trace_and_the_traceback() -> None:
    scope = {
        "type": "http", "state": {"request_id": "r1"},
        "headers": [(b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")],
    }  # fmt: skip
    token = log_lines.current_scope.set(scope)
    try:
        raise ValueError("one\ntwo")
    except ValueError:
        text = format_record("it %s", "failed\nbadly", exc_info=True)
    finally:
        log_lines.current_scope.reset(token)
    line = json.loads(text)
    assert "\n" not in text
    assert (line["message"], line["request_id"]) == ("it failed\nbadly", "r1")
    assert line["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert "ValueError: one\ntwo" in line["exception"]
    assert "request_id" not in json.loads(format_record("alone"))


@pytest.mark.parametrize(
    "sent",
    [b"", b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-00", b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-00",
     b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-00", b"x" * 2_000],
)  # fmt: skip
def test_trace_that_is_not_valid_is_none(sent: bytes) -> None:
    assert log_lines.find_trace_id({"headers": [(b"traceparent", sent)]}) is None


def test_keys_and_passwords_are_not_in_any_line() -> None:
    message = "tried postgresql://news:s3cr3t@db.example/news with Bearer dl_12_" + "k" * 43
    for text in (format_record(message), log_lines.hide_secrets(message)):
        assert "s3cr3t" not in text
        assert "kkkk" not in text
        assert "postgresql://news:…@db.example/news" in text
        assert "dl_12_…" in text
