"""Writes operation and status of each call of schemathesis, one a line."""

import os
import uuid

import schemathesis

STATUSES = open(os.environ["ATALAYA_STATUSES"], "a", buffering=1, encoding="utf-8")


@schemathesis.hook
def before_call(context, case, **kwargs):
    # A key is one request's. What is made up is the same for all of them, and the second one is refused for it. One that is
    # made up to be refused stays as it is.
    for name, value in list((case.headers or {}).items()):
        if name.lower() == "idempotency-key" and isinstance(value, str) and 1 <= len(value) <= 200:
            case.headers[name] = str(uuid.uuid4())


@schemathesis.hook
def after_call(context, case, response):
    STATUSES.write(f"{case.operation.label}\t{response.status_code}\n")
