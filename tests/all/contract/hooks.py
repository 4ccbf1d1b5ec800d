"""Writes operation and status of each call of schemathesis, one a line."""

import os

import schemathesis

STATUSES = open(os.environ["ATALAYA_STATUSES"], "a", buffering=1, encoding="utf-8")


@schemathesis.hook
def after_call(context, case, response):
    STATUSES.write(f"{case.operation.label}\t{response.status_code}\n")
