"""Clients of AWS, made with the credentials of this machine. Silences what botocore would log of values."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.secrets.aws_errors import explained
from reconciler.secrets.refusals import missing_library
from reconciler.wire.transport import checked_base_url, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.core.reference import SecretName
    from reconciler.secrets.aws_names import Target

CONNECT_SECONDS = 5
READ_SECONDS = 30
ATTEMPTS = 5


class AwsSession:
    """Clients for services and regions, each made when it is first asked for. Thread-safe.

    Raises InvalidInput for an ``endpoint_url`` that may not be used.
    """

    def __init__(
        self, *, region: str | None, profile: str | None, endpoint_url: str | None
    ) -> None:
        self._region = region
        self._profile = profile
        self._endpoint = None if endpoint_url is None else checked_base_url(endpoint_url)
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str | None], Any] = {}

    @contextmanager
    def client(self, name: SecretName, target: Target, action: str) -> Iterator[Any]:
        """Lend the client that ``target`` needs for ``action`` (``ssm:GetParameter``).

        Raises SecretUnavailable for whatever botocore raises inside the block: its own texts may hold values.
        """
        try:
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError:
            raise missing_library("aws", "boto3") from None
        try:
            yield self._client(target)
        except (BotoCoreError, ClientError) as error:
            raise explained(error, name, target, action) from None

    def _client(self, target: Target) -> Any:  # noqa: ANN401 - boto3 makes its classes when it runs
        key = (target.service, target.region or self._region)
        with self._lock:  # sessions are not thread-safe, clients are
            if key not in self._clients:
                self._clients[key] = self._opened(*key)
                _silence()
            return self._clients[key]

    def _opened(self, service: str, region: str | None) -> Any:  # noqa: ANN401 - see _client
        try:
            import boto3
            import botocore.session
            from botocore.config import Config
        except ImportError:
            raise missing_library("aws", "boto3") from None
        here = self._endpoint is not None and is_loopback(self._endpoint)
        inner = botocore.session.Session(profile=self._profile)
        inner.set_config_variable(
            "csm_enabled", value=False
        )  # reports every call to whoever listens
        return boto3.session.Session(botocore_session=inner).client(
            service,
            region_name=region,
            endpoint_url=self._endpoint,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                user_agent_extra=f"reconciler/{__version__}",
                proxies={} if here else None,
            ),
        )


def _silence() -> None:
    """Drop what botocore logs below a warning, whatever its level is set to: requests and answers, whole."""
    for name in tuple(logging.root.manager.loggerDict):
        if name.partition(".")[0] in {"boto3", "botocore"}:
            logging.getLogger(name).addFilter(_is_warning)  # once: a filter is not added twice


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
