"""Errors as answers: one JSON shape on every route, whatever went wrong and whoever noticed.

Everbloom's own errors bring status, code and values; the framework's are given codes of ours. What nobody expected
is logged with its traceback and answered by its type, so that it can be reported.
"""

import http
import logging
from typing import Any

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from everbloom.api.types import ErrorBody, Problem
from everbloom.api.values import to_plain
from everbloom.core.errors import EverbloomError

_log = logging.getLogger("everbloom.api")

_CODES = {
    400: "request.invalid",
    401: "auth.missing",
    403: "auth.refused",
    404: "route.unknown",
    405: "route.method",
    413: "request.too_large",
}
_ADVICE = {
    404: "there is nothing at {method} {path}; the API's addresses are listed at /api/v1/openapi.json.",
    405: "{method} is not answered at {path}; the API's addresses are listed at /api/v1/openapi.json.",
    413: "the body of {method} {path} is too large; send less at once.",
}


def make_error(status: int, code: str, message: str, fields: dict[str, Any] | None = None) -> Response[ErrorBody]:
    """Return the answer for an error."""
    body = ErrorBody(Problem(code, message, to_plain(fields or {})))
    headers = {"cache-control": "no-store"}
    return Response(body, status_code=status, media_type=MediaType.JSON, headers=headers)


def encode_error(code: str, message: str) -> bytes:
    """Return the body of an error that is noticed before any route is looked for."""
    return msgspec.json.encode(ErrorBody(Problem(code, message, {})))


def answer_known(_request: Request[Any, Any, Any], error: EverbloomError) -> Response[ErrorBody]:
    """Answer an error of Everbloom's own."""
    return make_error(error.status, error.code, error.message, error.fields)


def answer_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[ErrorBody]:
    """Answer an error that the framework raised: an unknown address, a wrong method, a malformed request."""
    status = error.status_code
    code = _CODES.get(status, f"http.{status}")
    if status in _ADVICE:
        message = _ADVICE[status].format(method=request.method, path=request.url.path)
    else:
        message = f"{request.method} {request.url.path} was refused: {_describe(error)}"
    return make_error(status, code, message, {"method": request.method, "path": request.url.path})


def _describe(error: HTTPException) -> str:
    if isinstance(error, ValidationException) and isinstance(error.extra, list) and error.extra:
        parts = [f"{part.get('key', 'body')}: {part.get('message', '')}" for part in error.extra]
        return "; ".join(parts)
    return error.detail or http.HTTPStatus(error.status_code).phrase


def answer_unknown(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorBody]:
    """Answer what nobody expected: a bug. Its traceback goes to the log."""
    _log.error("%s %s raised", request.method, request.url.path, exc_info=error)
    message = (
        f"this is a bug in everbloom: {request.method} {request.url.path} raised {type(error).__name__}: {error}. "
        f"The traceback stands in the server's output."
    )
    return make_error(500, "server.bug", message)


HANDLERS: ExceptionHandlersMap = {EverbloomError: answer_known, HTTPException: answer_http, Exception: answer_unknown}
