"""
Where calls ask for approvals and bring them.

Theory of operation.  A token is 256 random bits, made when a call asks, returned to that call alone
and kept as a hash.  By itself it opens nothing: it is a ticket, with which the same principal comes
back with the same call.  What makes it worth something is the answer, and that never travels
through the caller.  For `approve` a different principal gives it to this server; he has no use for
the token and never sees it, so a leak on his side lets nothing run, and what a caller is told
cannot be forged into an answer.  Rejected: a signed token with everything in it (a signature cannot
be used once only), and the id of the approval as the token (ids are in lists, logs and messages).

For `confirm` the answer is that the same principal comes again.  That proves that the program that
calls has seen the question and not skipped it, which stops a model that acts rashly; a program that
hands tokens to its model, or answers for it, gets no protection but a second's delay.  With a PIN
of the principal it proves that somebody who knows the PIN said yes to some call, of which the
program has told him what it liked.  Whoever does not trust the program wants `approve`.
"""

from __future__ import annotations

import hashlib
import secrets
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from toolcell_server.approvals import binding, judging, telling
from toolcell_server.approvals.approval import (
    APPROVED,
    DENIED,
    PENDING,
    RESERVED,
    USED,
    VOID,
    Approval,
    time_text,
)
from toolcell_server.approvals.happenings import Happening, unrecorded
from toolcell_server.approvals.kinds import CONFIRM
from toolcell_server.approvals.pins import PinCounts
from toolcell_server.approvals.previewing import NO_PREVIEW, Preview
from toolcell_server.approvals.reserving import Reservation
from toolcell_server.approvals.store import ApprovalStore
from toolcell_server.refusals import (
    ApprovalPinLocked,
    ApprovalPinWrong,
    ApprovalReplayed,
    ApprovalRequired,
    TooManyApprovals,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.approvals.happenings import Recorder, What
    from toolcell_server.approvals.kinds import Kind
    from toolcell_server.approvals.telling import Redact
    from toolcell_server.database import Database
    from toolcell_server.gates import Call
    from toolcell_server.grants import Grant
    from toolcell_server.settings.approval import ApprovalSettings

SEPARATOR: Final = "."  # between a token and a PIN; no token has one
LOCKING_ROUNDS: Final = 3  # approvals whose every PIN is wrong, until the principal is locked out
DIED: Final = "the server died over it; whether the tool ran is unknown"
# Approvals that are over, for each that may wait: so many are remembered, and may have been denied.
OVER: Final = 10
_TOKEN_BYTES: Final = 32


class Asked(NamedTuple):
    """
    A call that needs an approval of that kind, and what it would get.
    """

    call: Call
    grant: Grant
    kind: Kind


class Desk:
    """
    Lives on the event loop of its database.  `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        settings: ApprovalSettings,
        database: Database,
        *,
        clock: Callable[[], float],
        record: Recorder = unrecorded,
        redact: Redact = telling.masked,
    ) -> None:
        self.store = ApprovalStore(database)
        self.clock = clock
        self._settings = settings
        self._database = database
        self._record = record
        self._redact = redact
        wrong = LOCKING_ROUNDS * settings.pin_attempts
        self._counts = PinCounts(database, wrong, settings.pin_lock_seconds)

    def recover(self) -> None:
        """
        Take for used what was reserved when the last server died.  Called once, before any call.

        Raises:
            StoreFailed: that cannot be written.
        """
        with self._database.transaction():
            for approval in self.store.reserved():
                self.store.move(approval.approval_id, RESERVED, USED)
                self._tell("used", approval, approval.principal, reason=DIED)

    def required(self, asked: Asked, preview: Preview = NO_PREVIEW) -> ApprovalRequired:
        """
        The refusal of a call that brings no token, and that a person can say yes to from now on.
        A call that is only to be checked, or stands in for another, asks nobody.

        Raises:
            TooManyApprovals: its principal has too many that wait.
            StoreFailed: nothing was asked.
        """
        call, kind = asked.call, asked.kind
        digest = binding.arguments_digest(call.arguments)
        if not call.may_ask:
            return ApprovalRequired(call.tool.name, kind, {"arguments_digest": digest})
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        approval = self._add(asked, preview, digest, token)
        metadata = {
            "approval_id": approval.approval_id,
            "approval_token": token,
            "arguments_digest": digest,
            "expires_time": time_text(approval.expires),
            "summary": telling.short(approval.summary),
        }
        return ApprovalRequired(call.tool.name, kind, metadata)

    def redeem(self, asked: Asked) -> Reservation | None:
        """
        What lets a call with a token pass.  For one that is only to be checked nothing is
        reserved, and its PIN is not looked at: checks are not counted, so they must not tell.

        Raises:
            CallRefused: one of the kinds that begin with Approval; it may not pass.
            StoreFailed: likewise.
        """
        call, now = asked.call, self.clock()
        token, _, pin = call.request.approval_token.partition(SEPARATOR)
        found = self.store.by_token(_hash(token))
        approval = judging.owned(found, call.principal)
        judging.check(approval, binding.binding_of(call, asked.grant), asked.kind, now)
        if call.request.validate_only:
            return None
        if approval.kind == CONFIRM:
            self._check_pin(approval, pin, now)
        before = PENDING if approval.kind == CONFIRM else APPROVED
        with self._database.transaction():
            if not self.store.move(approval.approval_id, before, RESERVED):
                raise ApprovalReplayed(approval.approval_id)
            self._tell("reserved", approval, call.principal.name)
        return Reservation(approval, self.store, self.clock, self._record)

    def check_room(self, asked: Asked) -> None:
        """
        Raises:
            TooManyApprovals: its principal has too many that wait, or were denied of late.
            StoreFailed: nobody can tell.
        """
        maximum, now = self._settings.maximum_pending, self.clock()
        found = partial(self.store.unexpired, asked.call.principal.name)
        # Whoever withdraws what he has asked for, and asks again, must not go on without end.
        if found(PENDING, now) >= maximum or found(DENIED, now) >= OVER * maximum:
            raise TooManyApprovals(maximum, self._settings.seconds(asked.kind))

    def _add(self, asked: Asked, preview: Preview, digest: str, token: str) -> Approval:
        call, now = asked.call, self.clock()
        self.store.purge(now - self._settings.keep_seconds)
        self.store.forget_surplus(call.principal.name, OVER * self._settings.maximum_pending)
        self.check_room(asked)
        expires = now + self._settings.seconds(asked.kind)
        approval = self._approval(asked, preview, digest, (now, expires))
        with self._database.transaction():
            self.store.add(approval, _hash(token))
            self._tell("requested", approval, call.principal.name)
        return approval

    def _approval(
        self, asked: Asked, preview: Preview, digest: str, times: tuple[float, float]
    ) -> Approval:
        call, grant = asked.call, asked.grant
        told = telling.tell(call, grant, self._redact)
        return Approval(
            approval_id=f"apr-{secrets.token_hex(16)}",
            kind=asked.kind,
            principal=call.principal.name,
            session=call.principal.session,
            call_id=call.request.call_id,
            tool=call.tool.name,
            version=call.tool.version,
            title=call.tool.title,
            effects=call.tool.effects,
            bundle=call.tool.bundle,
            summary=told.summary,
            arguments=told.arguments,
            complete=told.complete and preview.complete,
            digest=digest,
            binding=binding.binding_of(call, grant),
            grants=grant.to_proto().SerializeToString(),
            limits=grant.limits.to_proto().SerializeToString(),
            requested=times[0],
            expires=times[1],
            preview=telling.previewed(call.tool, preview.text, self._redact),
            staged=preview.digests,
        )

    def _check_pin(self, approval: Approval, pin: str, now: float) -> None:
        """
        Count the attempt, then look at it.
        """
        name, approval_id = approval.principal, approval.approval_id
        known = self._settings.pins.get(name)
        if known is None:
            return
        attempts = max(self._settings.pin_attempts - approval.wrong_pins, 0)
        if not pin or not attempts:
            raise ApprovalPinWrong(approval_id, attempts, missing=not pin)
        if (until := self._counts.locked_until(name)) > now:
            raise ApprovalPinLocked(approval_id, until - now)
        with self._database.transaction():
            self._counts.count(name, now)
            self.store.count_wrong_pin(approval_id, 1)
        if known.fits(pin):
            with self._database.transaction():
                self._counts.forgive(name)
                self.store.count_wrong_pin(approval_id, -1)
            return
        with self._database.transaction():
            self._tell("wrong_pin", approval, name)
            if attempts == 1:
                self.store.move(approval_id, PENDING, VOID)
        raise ApprovalPinWrong(approval_id, attempts - 1)

    def _tell(self, what: What, approval: Approval, by: str, reason: str = "") -> None:
        now = self.clock()
        self._record(Happening(what=what, by=by, time=now, approval=approval, reason=reason))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
