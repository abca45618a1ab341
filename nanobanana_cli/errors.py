"""Everything that can go wrong, and what it means for a script and for a bill.

Each class has its exit status, a `kind` for `--json`, and whether the call may have cost
money. `hint` says what to do; it may be set per error.

    NbError                     1
    ├── UsageError              2   usage            not charged
    │   └── ConfigError         2   config           not charged
    ├── BatchIncomplete         3   incomplete       some rows failed
    ├── KeyRejected             4   key              not charged
    ├── batch.pace.NotSent      5   not_sent         not charged
    ├── Unavailable             5   unavailable      not charged
    │   ├── Unreachable         5   unreachable      not charged
    │   └── RateLimited         5   rate_limit       not charged
    ├── LocalFileError          6   file             not charged, unless it came after the call
    ├── Rejected                7   rejected         not charged
    ├── OverBudget              8   budget           not charged
    │   └── OutOfCredit         8   credit           not charged
    ├── NoImage                 9   refused          may have been charged
    ├── NoText                  9   no_text          charged
    ├── BadReply               10   bad_reply        may have been charged
    ├── OutcomeUnknown         11   outcome_unknown  may have been charged
    ├── OutputExists           12   exists           not charged
    └── OutputClosed          141   output_closed
    Interrupted      130/143/129  interrupted      may have been charged

`Interrupted` stands beside the tree: it can come anywhere, also where somebody catches `Exception`.
"""

from __future__ import annotations

import signal
from enum import Enum, IntEnum
from typing import Self


class ExitCode(IntEnum):
    """The exit statuses that scripts may rely on."""

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
    """Whether a call has cost money, as far as anyone can tell from here."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"

    @property
    def sentence(self) -> str:
        """The line that ends an error message."""
        return {
            Charged.NO: "Not charged.",
            Charged.MAYBE: "May have been charged.",
            Charged.YES: "Charged.",
        }[self]


class NbBaseError(BaseException):
    """What ends a run or a call early: nothing else is meant to reach `main`.

    Args:
        message: one line, lower case, what happened.
        hint: one line, what to do about it; the class's own hint when left out.
        charged: overrides the class's own answer, for errors that can come before or after a call.
    """

    code: ExitCode = ExitCode.DEFECT
    kind: str = "defect"
    charged: Charged = Charged.MAYBE
    hint: str | None = None

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
        """The error, to be kept: without the frames that it came through.

        Those would keep alive what they held, such as a reply of many megabytes.
        """
        error: BaseException | None = self
        while error is not None:
            error.__traceback__ = None
            error = error.__cause__ or error.__context__
        return self

    def record(self) -> dict[str, object]:
        """The `error` object of a JSON line."""
        return {
            "code": int(self.code),
            "kind": self.kind,
            "message": self.message,
            "hint": self.hint,
            "charged": self.charged.value,
        }


class NbError(NbBaseError, Exception):
    """What went wrong."""


class UsageError(NbError):
    """A bad option, value, prompt, manifest or path; nothing was sent."""

    code = ExitCode.USAGE
    kind = "usage"
    charged = Charged.NO


class ConfigError(UsageError):
    """A configuration file or environment variable that cannot be used."""

    kind = "config"


class BatchIncomplete(NbError):
    """Some of several rows failed; what each cost stands with the row."""

    code = ExitCode.INCOMPLETE
    kind = "incomplete"


class KeyRejected(NbError):
    """The key is missing, malformed, or was refused by the service."""

    code = ExitCode.KEY
    kind = "key"
    charged = Charged.NO


class Unavailable(NbError):
    """The service could not do it now and did not charge: safe to run again later.

    Args:
        retry_after: seconds that the service asked to wait, when it did.
        resends: how often it makes sense to send again; None leaves that to `--retries`.
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
    """No request reached the service: name, connection, TLS or proxy failed before it was sent."""

    kind = "unreachable"
    hint = "check the network, the proxy, and the address: `nb config get base-url`"


class RateLimited(Unavailable):
    """HTTP 429 that outlasted the retries, or a quota that is not worth waiting for."""

    kind = "rate_limit"


class LocalFileError(NbError):
    """A local file could not be read or written."""

    code = ExitCode.FILE
    kind = "file"
    charged = Charged.NO
    hint = "check the path, its permissions, and the space that is left"


class Rejected(NbError):
    """The service rejected the request for good: 400, 404, 413, a redirect."""

    code = ExitCode.REJECTED
    kind = "rejected"
    charged = Charged.NO


class OverBudget(NbError):
    """`--max-cost` would be passed; nothing further is sent."""

    code = ExitCode.BUDGET
    kind = "budget"
    charged = Charged.NO


class OutOfCredit(OverBudget):
    """The account's credit is used up."""

    kind = "credit"
    hint = "top up the account, then run the same command again"


class NoImage(NbError):
    """The service answered, without an image: a refusal, a safety stop, text only."""

    code = ExitCode.NO_IMAGE
    kind = "refused"
    hint = "rephrase the prompt"


class NoText(NbError):
    """The image came and is saved, and the text that was asked for with it did not."""

    code = ExitCode.NO_IMAGE
    kind = "no_text"
    charged = Charged.YES


class BadReply(NbError):
    """The reply could not be used: not JSON, no valid image, cut or corrupt."""

    code = ExitCode.BAD_REPLY
    kind = "bad_reply"
    hint = "nothing was saved; running it again is a new, paid call"


class OutcomeUnknown(NbError):
    """The connection broke or the deadline passed after the request was sent."""

    code = ExitCode.OUTCOME_UNKNOWN
    kind = "outcome_unknown"
    hint = "check the account's usage before running it again, since that is a new, paid call"


class OutputExists(NbError):
    """The output is there already and nothing was sent."""

    code = ExitCode.EXISTS
    kind = "exists"
    charged = Charged.NO
    hint = "--force replaces it, --skip-existing leaves it alone"


class Interrupted(NbBaseError):
    """A signal asked the program to stop.

    Args:
        signum: the signal's number; the exit status is 128 more.
    """

    kind = "interrupted"

    def __init__(self, signum: int, *, charged: Charged = Charged.MAYBE) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}", charged=charged)
        self.code = ExitCode(128 + signum)


class OutputClosed(NbError):
    """The reader of stdout went away."""

    code = ExitCode.OUTPUT_CLOSED
    kind = "output_closed"
    charged = Charged.YES
