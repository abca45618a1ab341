"""Define every error, with its exit status, its `kind` in JSON, and whether it was charged.

    NbError                   1  defect           may have been charged
    ├── UsageError            2  usage            not charged
    │   ├── ConfigError       2  config           not charged
    │   └── ManifestError     2  manifest         not charged
    ├── BatchIncomplete       3  incomplete       may have been charged
    ├── KeyRejected           4  key              not charged
    ├── Unavailable           5  unavailable      not charged
    │   ├── Unreachable       5  unreachable      not charged
    │   └── RateLimited       5  rate_limit       not charged
    ├── NotSent               5  not_sent         not charged
    ├── LocalFileError        6  file             not charged
    │   ├── MisplacedImage    6  file             charged
    │   └── SignedFile        6  file             not charged
    ├── Rejected              7  rejected         not charged
    │   └── NotFound          7  rejected         not charged
    ├── OverBudget            8  budget           not charged
    │   └── OutOfCredit       8  credit           not charged
    ├── NoImage               9  refused          may have been charged
    ├── NoText                9  no_text          charged
    │   └── Decorative        9  decorative       charged
    ├── BadReply             10  bad_reply        may have been charged
    ├── OutcomeUnknown       11  outcome_unknown  may have been charged
    ├── OutputExists         12  exists           not charged
    └── OutputClosed        141  output_closed    charged
    Interrupted     129/130/143  interrupted      may have been charged

ManifestError and NotSent are defined in `batch`, MisplacedImage in `generation`, Decorative and
SignedFile in `captions`. The charge is that of the call which the error is about; `money.Charges`
knows the run's. Interrupted is outside the tree, so that `except Exception` swallows no signal.
"""

from __future__ import annotations

import signal
from enum import Enum, IntEnum
from pathlib import Path
from typing import IO, Self


class ExitCode(IntEnum):
    """Exit statuses that scripts may rely on."""

    OK = 0
    DEFECT = 1
    USAGE = 2
    INCOMPLETE = 3
    KEY = 4
    UNAVAILABLE = 5
    FILE = 6
    REJECTED = 7
    BUDGET = 8
    NO_IMAGE = 9
    BAD_REPLY = 10
    OUTCOME_UNKNOWN = 11
    EXISTS = 12
    HANGUP = 129
    INTERRUPT = 130
    OUTPUT_CLOSED = 141
    TERMINATED = 143


class Charged(Enum):
    """The charge for a call, as far as `nb` can know: no, maybe or yes."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"

    @property
    def sentence(self) -> str:
        """Return the line that ends an error message."""
        return {
            Charged.NO: "Not charged.",
            Charged.MAYBE: "May have been charged.",
            Charged.YES: "Charged.",
        }[self]


class NbBaseError(BaseException):
    """An error or a signal that ends a call or a run.

    Args:
        message: what happened, one line in lower case.
        hint: what to do about it; the class's hint by default.
        charged: the class's answer by default.
    """

    code: ExitCode = ExitCode.DEFECT
    kind: str = "defect"
    charged: Charged = Charged.MAYBE
    hint: str | None = None
    is_kept: bool = False  # the hint leads to what was paid for and is not where it belongs
    partial: bytes | bytearray | memoryview | IO[bytes] | None = None  # what came of a reply
    image_path: Path | None = None  # where the image is instead
    reply_path: Path | None = None  # where the whole reply is, or what came of it
    # All that the service said, for `-v`.
    details: str = ""

    def __init__(
        self, message: str, *, hint: str | None = None, charged: Charged | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint
        if charged is not None:
            self.charged = charged

    def released(self) -> Self:
        """Return the error without its frames, which hold a large reply; a defect keeps them."""
        error: BaseException | None = None if type(self) is NbError else self
        while error is not None:
            error.__traceback__ = None
            error = error.__cause__ or error.__context__
        return self


class NbError(NbBaseError, Exception):
    """A defect in `nb`; all other errors are derived from it."""


class UsageError(NbError):
    """A wrong option, value, prompt, manifest or path; nothing was sent."""

    code = ExitCode.USAGE
    kind = "usage"
    charged = Charged.NO


class ConfigError(UsageError):
    """A configuration file or environment variable that cannot be used."""

    kind = "config"


class BatchIncomplete(NbError):
    """Some of several rows failed; each row has its own error and cost."""

    code = ExitCode.INCOMPLETE
    kind = "incomplete"


class KeyRejected(NbError):
    """The key is missing, malformed, or rejected by the service."""

    code = ExitCode.KEY
    kind = "key"
    charged = Charged.NO


class Unavailable(NbError):
    """The service cannot answer now and did not charge; safe to run again later.

    Args:
        retry_after: seconds that the service asked to wait, if it did.
        resends: how often to resend at most; None leaves that to `--retries`.
    """

    code = ExitCode.UNAVAILABLE
    kind = "unavailable"
    charged = Charged.NO
    hint = "run the same command again later"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
        resends: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        self.resends = resends


class Unreachable(Unavailable):
    """DNS, connection, TLS or proxy failed before the request was sent; a firewall blocked it."""

    kind = "unreachable"
    hint = "check the network, the proxy, and the address: `nb config get base-url`"


class RateLimited(Unavailable):
    """HTTP 429 after all retries, or a quota too far from its reset to wait for."""

    kind = "rate_limit"


class LocalFileError(NbError):
    """A local file could not be read or written."""

    code = ExitCode.FILE
    kind = "file"
    charged = Charged.NO
    hint = "check the path, its permissions, and the free disk space"


class Rejected(NbError):
    """The service rejected the request for good: 400, 404, 413 or a redirect."""

    code = ExitCode.REJECTED
    kind = "rejected"
    charged = Charged.NO


class NotFound(Rejected):
    """The address or the model does not exist there, or no longer."""


class OverBudget(NbError):
    """The next call would exceed `--max-cost`; nothing further is sent."""

    code = ExitCode.BUDGET
    kind = "budget"
    charged = Charged.NO


class OutOfCredit(OverBudget):
    """The account's credit or spending cap is used up, or it has no free tier."""

    kind = "credit"
    hint = "top up the account, then run the same command again"


class NoImage(NbError):
    """The service answered without an image: a refusal, a safety stop, or only text."""

    code = ExitCode.NO_IMAGE
    kind = "refused"
    hint = "rephrase the prompt"


class NoText(NbError):
    """The image is saved, but its alt text did not come."""

    code = ExitCode.NO_IMAGE
    kind = "no_text"
    charged = Charged.YES


class BadReply(NbError):
    """The reply is unusable: not JSON, no valid image, truncated or corrupt."""

    code = ExitCode.BAD_REPLY
    kind = "bad_reply"
    hint = "nothing was saved; running it again is a new, paid call"


class OutcomeUnknown(NbError):
    """The connection broke or the deadline passed after the request was sent."""

    code = ExitCode.OUTCOME_UNKNOWN
    kind = "outcome_unknown"
    hint = "check the account's usage first; running it again is a new, paid call"


class OutputExists(NbError):
    """The output file exists; nothing was sent."""

    code = ExitCode.EXISTS
    kind = "exists"
    charged = Charged.NO
    hint = "--force replaces it, --skip-existing leaves it alone"


class Interrupted(NbBaseError):
    """A signal asked `nb` to stop.

    Args:
        signum: the signal; the exit status is 128 + signum.
    """

    kind = "interrupted"

    def __init__(self, signum: int) -> None:
        self.name = "Ctrl-C" if signum == signal.SIGINT else signal.Signals(signum).name
        super().__init__(f"stopped by {self.name}")
        self.code = ExitCode(128 + signum)


class OutputClosed(NbError):
    """The reader of stdout closed it."""

    code = ExitCode.OUTPUT_CLOSED
    kind = "output_closed"
    charged = Charged.YES


# Failures that every further call of a run would meet too: they are about the key, the account, the
# address or the model. (`Rejected` is about one request.)
ENDS_RUN = (ConfigError, KeyRejected, NotFound, OutOfCredit, Unreachable)


def syntax_reason(error: ValueError | RecursionError) -> str:
    """Return why a text could not be parsed, in plain words."""
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
