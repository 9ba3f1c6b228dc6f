"""One connection: that it is accepted, or that its certificate holds."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from reconciler.providers.probing.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400


class TcpProbe(NamedTuple):
    """One connection to make; ``timeout`` in seconds."""

    name: str
    host: str
    port: int
    timeout: float


class TlsProbe(NamedTuple):
    """One certificate to look at; ``timeout`` in seconds. ``ca_file`` is trusted instead of the system's."""

    name: str
    host: str
    port: int
    min_days: int
    timeout: float
    ca_file: Path | None = None


def tcp_verdict(probe: TcpProbe) -> Verdict:
    """Connect once. Raises OSError when that fails."""
    with socket.create_connection((probe.host, probe.port), probe.timeout):
        return Verdict(passed=True, detail=f"{probe.host}:{probe.port} accepts connections")


def tls_verdict(probe: TlsProbe, now: float) -> Verdict:
    """Shake hands once; the chain and the host are verified. Raises OSError when there is no connection.

    Looks at the certificate of the host itself, not at when those above it expire. ``now`` is epoch seconds.
    """
    try:
        context = ssl.create_default_context(cafile=probe.ca_file)
    except OSError as error:
        why = error.strerror if not isinstance(error, ssl.SSLError) else "it holds no certificate"
        return Verdict(passed=False, detail=f"ca_file {probe.ca_file} cannot be used: {why}")
    try:
        with (
            socket.create_connection((probe.host, probe.port), probe.timeout) as plain,
            context.wrap_socket(plain, server_hostname=probe.host) as secured,
        ):
            certificate = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        detail = f"the certificate is not accepted: {error.verify_message}"
        return Verdict(passed=False, detail=detail)
    end = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = int((end - now) // DAY)
    until = datetime.fromtimestamp(end, UTC).date().isoformat()
    detail = f"the certificate expires in {days} days, on {until}"
    if days < probe.min_days:
        return Verdict(passed=False, detail=f"{detail}; at least {probe.min_days} days are wanted")
    return Verdict(passed=True, detail=detail)
