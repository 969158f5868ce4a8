"""Traces: what a span says, what belongs to what, and that nothing is sent unless somebody wants it."""

import asyncio
import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from conftest import Served, lifespan, serve
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.db import spans
from app.main import create_app
from app.monitoring import telemetry
from app.settings import Settings

pytestmark = pytest.mark.anyio

TRACE = 0x4BF92F3577B34DA6A3CE929D0E0E4736
TRACEPARENT = f"00-{TRACE:032x}-00f067aa0ba902b7-01"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    yield exporter
    spans.set_tracer(None)


def find_spans(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


async def test_spans_of_requests_writes_and_commits(sqlite_settings: Settings, exporter: InMemorySpanExporter) -> None:
    async with serve(sqlite_settings) as plain:
        key = plain.editor.headers["authorization"]
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = create_app(sqlite_settings, tracer=telemetry.install(provider))
    async with (
        lifespan(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        api = Served(app, sqlite_settings, client, client)
        headers = {"authorization": key, "traceparent": TRACEPARENT}
        story = {"title": "A harbour", "status": "published"}
        made = await api.public.post("/v1/articles", json=story, headers=headers)
        assert made.status_code == 201
        for path in ("/v1/articles/1?fields=title", "/v1/articles/9999", "/nothing/reader@example.org"):
            await api.public.get(path)
        for _ in range(200):
            if find_spans(exporter, "index commit"):
                break
            await asyncio.sleep(0.02)
    [written] = find_spans(exporter, "POST /v1/articles")
    assert written.attributes == {
        "http.request.method": "POST", "http.route": "/v1/articles", "http.response.status_code": 201,
    }  # fmt: skip
    assert written.context is not None
    assert written.context.trace_id == TRACE
    inner = [span for span in find_spans(exporter, "database write") if span.context and span.context.trace_id == TRACE]
    # The article, and the note of when the key was last used.
    assert [span.parent.span_id for span in inner if span.parent] == [written.context.span_id] * 2
    statuses = [span.attributes for span in find_spans(exporter, "GET /v1/articles/{ref}")]
    assert sorted(int(str((one or {})["http.response.status_code"])) for one in statuses) == [200, 404]
    assert find_spans(exporter, "index commit")
    assert all("reader" not in span.to_json() for span in exporter.get_finished_spans())


def test_nothing_is_made_unless_a_collector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in telemetry.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    assert telemetry.create_provider() is None
    monkeypatch.setenv(telemetry.ENDPOINTS[0], "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert telemetry.create_provider() is None


def test_spans_arrive_at_the_collector_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[ExportTraceServiceRequest] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            body = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        monkeypatch.setenv(telemetry.ENDPOINTS[0], f"http://127.0.0.1:{server.server_port}")
        provider = telemetry.create_provider()
        assert provider is not None
        with provider.get_tracer("x").start_as_current_span("GET /v1"):
            pass
        provider.shutdown()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    [resource] = received[0].resource_spans
    assert resource.scope_spans[0].spans[0].name == "GET /v1"
    assert any(
        pair.key == "service.name" and pair.value.string_value == "dateline" for pair in resource.resource.attributes
    )
