from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from reconciler.core.record import Record
from reconciler.secrets import registry
from reconciler.secrets.store import SecretStore

HEAVY = ("boto3", "botocore", "google.auth", "hvac", "keyring", "requests")


@pytest.mark.parametrize("name", registry.STORES)
def test_every_store_fills_the_port_and_describes_its_settings(name: str) -> None:
    store = registry.store_type(name)

    for method in ("fetch", "keep", "rights"):
        wanted = inspect.signature(getattr(SecretStore, method)).parameters
        assert list(inspect.signature(getattr(store, method)).parameters) == list(wanted)
    assert issubclass(store.settings_type, Record)
    assert [
        field for field, info in store.settings_type.model_fields.items() if not info.description
    ] == []


def test_no_library_of_a_store_is_imported_before_it_is_needed() -> None:
    program = (
        "import sys; from reconciler.secrets import registry\n"
        "for name in registry.STORES: registry.store_type(name)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )

    ended = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ended.stdout.strip() == "[]"
