"""A collector of traces on loopback. What it is sent is read by opentelemetry-proto, which others wrote.

Usage: collector.py FOLDER. Writes FOLDER/port once it listens, each span as a line of JSON to FOLDER/spans, each body as it came to
FOLDER/bytes, the headers of each call as a line of JSON to FOLDER/headers, and asks FOLDER/mode what to do: `ok` (also when there is
none), `hang` (answers nothing), or a status such as `503`. What it does not take it does not keep.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

WRITING = threading.Lock()


def value(any_value):
    kind = any_value.WhichOneof("value")
    return None if kind is None else getattr(any_value, kind)


def attributes(pairs):
    return {pair.key: value(pair.value) for pair in pairs}


def spans(request):
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield {
                    "resource": attributes(resource.resource.attributes),
                    "name": span.name,
                    "kind": Span.SpanKind.Name(span.kind),
                    "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "state": span.trace_state,
                    "took_ms": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
                    "attributes": attributes(span.attributes),
                    "events": [
                        {"name": event.name, "attributes": attributes(event.attributes)} for event in span.events
                    ],
                    "status": Status.StatusCode.Name(span.status.code),
                }


def keep(folder, name, content):
    with WRITING, open(os.path.join(folder, name), "ab") as file:
        file.write(content)


class Collector(BaseHTTPRequestHandler):
    folder = ""

    def mode(self):
        try:
            with open(os.path.join(self.folder, "mode")) as file:
                return file.read().strip() or "ok"
        except FileNotFoundError:
            return "ok"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        mode = self.mode()
        call = {"path": self.path, "mode": mode, "headers": {k.lower(): v for k, v in self.headers.items()}}
        keep(self.folder, "headers", json.dumps(call).encode() + b"\n")
        if mode == "hang":
            # Until the caller goes away.
            self.rfile.read(1)
            return
        if mode != "ok":
            self.answer(int(mode), b"")
            return
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        keep(self.folder, "bytes", body)
        lines = [json.dumps(span) for span in spans(request)]
        keep(self.folder, "spans", "".join(line + "\n" for line in lines).encode())
        self.answer(200, ExportTraceServiceResponse().SerializeToString())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    Collector.folder = sys.argv[1]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.daemon_threads = True
    ready = os.path.join(Collector.folder, "port")
    with open(ready + ".new", "w") as file:
        file.write(str(server.server_address[1]))
    os.rename(ready + ".new", ready)
    server.serve_forever()


main()
