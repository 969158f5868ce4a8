"""Traces for OpenTelemetry, where its SDK is installed (the extra `telemetry`) and its own variables say where they are
sent to: spans of requests, of writes to the database, of commits of the index. Neither addresses nor queries nor
bodies are in them.

Names and attributes are those of OpenTelemetry's semantic conventions for HTTP, 1.23 and later.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.db import spans
from app.http.middleware.access_log import METHODS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

NAME = "dateline"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

log = logging.getLogger(__name__)


def is_wanted() -> bool:
    """Whether OpenTelemetry's variables name a collector."""
    return any(os.environ.get(name) for name in ENDPOINTS) and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true"


def create_provider() -> TracerProvider | None:
    """Sends spans in batches, from a thread of its own: call it after a fork. None where nobody wants any, and where
    the SDK is not installed, which the log says."""
    if not is_wanted():
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError:
        log.warning("no traces are sent: OpenTelemetry needs its SDK: pip install 'dateline[telemetry]'")
        return None
    if "service.name=" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        os.environ.setdefault("OTEL_SERVICE_NAME", NAME)
    provider = TracerProvider(resource=Resource.create())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class TraceRequests:
    """A span for each request that no cache has the response of, within that of the client's `traceparent`."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self.app, self._tracer = app, tracer
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        status = 0

        async def send_observed(message: Message) -> None:
            nonlocal status
            status = status or message["status"]
            await send(message)

        with self._tracer.start_as_current_span(
            method, self._propagator.extract(sent), SpanKind.SERVER, {"http.request.method": method}
        ) as span:
            try:
                await self.app(scope, receive, send_observed)
            finally:
                route = getattr(scope.get("route"), "path", None)
                if route is not None:
                    span.set_attribute("http.route", route)
                    span.update_name(f"{method} {route}")
                if status:
                    span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))


def install(provider: TracerProvider) -> Tracer:
    """The tracer of this process, which its writes and its indexer use from now on."""
    tracer = provider.get_tracer(NAME)
    spans.set_tracer(tracer)
    return tracer
