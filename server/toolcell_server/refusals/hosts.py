"""
Refusals of hosts: what they offer cannot be called, or what they do ends their stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.refusals.base import CallRefused, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.refusals.base import FieldViolation


class HostOfferInvalid(CallRefused):
    """
    Raised when an offer cannot be taken; `violations` say what is wrong, and where.
    """

    spoken = "The offered tools are not right."

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        field, what = violations[0] if violations else ("offer", "")
        super().__init__(
            f"the offer is not valid: {field}: {what}",
            "correct what is named and offer again",
            violations=violations,
        )


class HostProtocolBroken(CallRefused):
    """
    Raised when a host sends what no host may send.
    """

    spoken = "That host of tools does not work as it should."

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the host broke the protocol: {what}", "mend the client that hosts the tools"
        )


class HostedNameTaken(CallRefused):
    """
    Raised when a name that is offered belongs to somebody else.
    """

    code = "FAILED_PRECONDITION"
    spoken = "There is already a tool of that name."

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the name {shown(name)} belongs to a tool of another owner",
            "offer it under another name",
            metadata={"tool": name},
        )


class HostedToolDiffers(CallRefused):
    """
    Raised when another host of the same owner offers another definition under the same version.
    """

    code = "FAILED_PRECONDITION"
    spoken = "Another host offers a different tool of that name."

    def __init__(self, name: str, version: str) -> None:
        super().__init__(
            f"another host offers {shown(name)}, version {shown(version)}, with another definition",
            "give the new definition another version, or end the other host first",
            metadata={"tool": name, "version": version},
        )


class HostSuperseded(CallRefused):
    """
    Raised to end the stream of a host when a newer one has its id.
    """

    code = "FAILED_PRECONDITION"
    spoken = "Another host has taken over."

    def __init__(self) -> None:
        super().__init__(
            "a newer stream of this principal has the same host_id",
            "end this host, or give it an id of its own",
        )


class HostSilent(CallRefused):
    """
    Raised to end the stream of a host that does not answer.
    """

    code = "UNAVAILABLE"
    category = "temporary"
    spoken = "A host of tools does not answer."

    def __init__(self, retry_delay_seconds: float = 1.0) -> None:
        super().__init__(
            "the host did not answer the heartbeats, or did not read what was sent to it",
            "connect again",
            retry_delay_seconds=retry_delay_seconds,
        )


class TooManyHosts(CallRefused):
    """
    Raised when a limit on hosts or on what they offer is reached.
    """

    code = "RESOURCE_EXHAUSTED"
    category = "temporary"
    spoken = "There are too many hosts of tools."

    def __init__(self, what: str, retry_delay_seconds: float = 5.0) -> None:
        super().__init__(
            f"too many hosts: {what}",
            "end a host that is no longer needed, or ask the operator to raise the limit",
            retry_delay_seconds=retry_delay_seconds,
        )
