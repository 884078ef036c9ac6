"""An S3 server on this machine that can be told to fail: moto's, behind what looks at every request."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI-K7MDENG", "AWS_REGION": "us-east-1"}

DENIED = (
    b"<?xml version='1.0'?><Error><Code>%s</Code><Message>no</Message><AWSAccessKeyId>testing</AWSAccessKeyId></Error>"
)


class Server:
    """Serves S3. ``fault`` is asked about every request, and names what goes wrong with it, or None.

    Faults: ``"500"`` (not done), ``"lost"`` (done, but answered by 500), ``"stall"`` (no answer for a while, not done),
    ``"cut"`` (an answer that ends early), ``"denied"``, ``"unknown key"``, ``"no conditions"``.
    """

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._app = DomainDispatcherApplication(create_backend_app)
        self.fault: Callable[[dict], str | None] = lambda _: None
        self.requests: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=_Quiet)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.environment = {**KEYS, "AWS_ENDPOINT_URL": self.address, "AWS_EC2_METADATA_DISABLED": "true"}
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __call__(self, environ, start_response):
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        fault = self.fault(environ)
        if fault is not None:
            self.faults.append(fault)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))  # else the connection breaks
        environ["wsgi.input"] = io.BytesIO(body)
        if fault == "stall":
            time.sleep(1.5)
        if fault in ("denied", "unknown key"):
            code = b"AccessDenied" if fault == "denied" else b"InvalidAccessKeyId"
            return _answer(start_response, "403 Forbidden", DENIED % code)
        if fault in ("500", "stall"):
            return _answer(start_response, "500 Internal Server Error", b"<Error><Code>InternalError</Code></Error>")
        if fault == "no conditions":
            environ.pop("HTTP_IF_NONE_MATCH", None)
            environ.pop("HTTP_IF_MATCH", None)
        if fault not in ("lost", "cut"):
            return self._app(environ, start_response)
        answer: list = []
        parts = b"".join(self._app(environ, lambda status, headers, *_: answer.extend((status, headers))))
        if fault == "lost":
            return _answer(start_response, "500 Internal Server Error", b"<Error><Code>InternalError</Code></Error>")
        start_response(answer[0], answer[1])  # its length stays
        return [parts[: len(parts) // 2]]

    # --- what is in it

    @property
    def client(self):
        return boto3.client(
            "s3", endpoint_url=self.address, aws_access_key_id="testing", aws_secret_access_key="testing",
            region_name="us-east-1",
        )  # fmt: skip

    def make_bucket(self, name: str) -> str:
        self.client.create_bucket(Bucket=name)
        return name

    def contents(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        found = {key: self.client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
        return {key.removeprefix(prefix).lstrip("/"): data for key, data in found.items()}


class _Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


def _answer(start_response, status: str, body: bytes) -> list[bytes]:
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.close()
