"""Build the errors of the service in Google's shape, with the messages of Google's public API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

STATUS_NAMES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

Details = Sequence[Mapping[str, object]]


def error_body(code: int, message: str, details: Details = ()) -> dict[str, object]:
    """Return `{"error": {…}}` as Google spells it; details are `google.rpc` messages."""
    error: dict[str, object] = {
        "code": code,
        "message": message,
        "status": STATUS_NAMES.get(code, "UNKNOWN"),
    }
    if details:
        error["details"] = list(details)
    return {"error": error}


class ApiError(Exception):
    """An error that the service replies with.

    Args:
        code: HTTP status.
        message: for people.
        details: `google.rpc` messages, each with its `@type`.
    """

    def __init__(self, code: int, message: str, details: Details = ()) -> None:
        super().__init__(message)
        self.code = code
        self.body = error_body(code, message, details)


def invalid(field: str, message: str) -> ApiError:
    """Return the error for an invalid value, named by its path in the request's proto."""
    return ApiError(400, f"* GenerateContentRequest.{field}: {message}\n")


def violations(messages: Mapping[str, Sequence[str]]) -> ApiError:
    """Return the error for JSON that does not fit the request's proto.

    Args:
        messages: path, such as `generation_config.image_config`, "" at the top → what is wrong.
    """
    found = [
        {"field": field, "description": text} if field else {"description": text}
        for field, texts in messages.items()
        for text in texts
    ]
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": found}
    return ApiError(400, "\n".join(item["description"] for item in found), [detail])


def wrong_key() -> ApiError:
    """Return the error for an unknown key: a 400 at Google, not a 401."""
    message = "API key not valid. Please pass a valid API key."
    return ApiError(
        400,
        message,
        [
            _reason("API_KEY_INVALID"),
            {
                "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
                "locale": "en-US",
                "message": message,
            },
        ],
    )


def _reason(reason: str) -> Mapping[str, object]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }


def no_key() -> ApiError:
    """Return the error for a missing key."""
    return _unauthenticated("Request is missing required authentication credential.", "MISSING")


def bearer_key() -> ApiError:
    """Return the error for a key in `Authorization: Bearer`, where only OAuth tokens belong."""
    return _unauthenticated("Request had invalid authentication credentials.", "INVALID")


def _unauthenticated(message: str, reason: str) -> ApiError:
    return ApiError(
        401,
        f"{message} Expected OAuth 2 access token, login cookie or other valid authentication "
        "credential. Send the key as x-goog-api-key.",
        [_reason(f"CREDENTIALS_{reason}")],
    )


def no_model(model: str) -> ApiError:
    """Return the error for an unknown model."""
    return ApiError(
        404,
        f"models/{model} is not found for API version v1beta, or is not supported for "
        "generateContent. Call ListModels to see the list of available models and their "
        "supported methods.",
    )
