"""What is measured, in Prometheus form. One registry a process; OpenTelemetry's names in Prometheus spelling."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

registry = CollectorRegistry()
ProcessCollector(registry=registry)
PlatformCollector(registry=registry)
GCCollector(registry=registry)

http_request_s = Histogram(
    "http_server_request_duration_seconds",
    "Time to the last byte of an answer, by route template.",
    ["method", "route", "status"],
    buckets=_SECONDS,
    registry=registry,
)
stage_s = Histogram("segue_stage_duration_seconds", "Time of one stage of a flow.", ["flow", "stage"], buckets=_SECONDS, registry=registry)
stage_items = Counter("segue_stage_items_total", "Items into and out of a stage.", ["flow", "stage", "direction"], registry=registry)
degraded = Counter("segue_degraded_total", "Answers given without something they should have had.", ["what"], registry=registry)
events_appended = Counter("segue_events_total", "Events accepted or rejected by the log.", ["result"], registry=registry)
scan_files = Counter("segue_scan_files_total", "Files met by scans, by what became of them.", ["result"], registry=registry)
analysed = Counter("segue_analysed_total", "Tracks analysed, by result: done, failed.", ["result"], registry=registry)
streams_active = Gauge("segue_streams_active", "Streams being sent.", ["kind"], registry=registry)
transcodes = Counter("segue_transcodes_total", "Transcodes, by result: done, failed, cancelled, cached.", ["result"], registry=registry)
sign_in_failures = Counter("segue_authentication_failures_total", "Failed attempts to prove who one is.", ["door"], registry=registry)


def gauge_of(name: str, help: str, read: Callable[[], float]) -> None:
    """Register a gauge that is read when scraped."""
    Gauge(name, help, registry=registry).set_function(read)


def exposition() -> bytes:
    """Everything, in the text format of Prometheus."""
    return generate_latest(registry)
