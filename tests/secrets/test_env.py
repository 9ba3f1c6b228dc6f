from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import SecretUnavailable
from reconciler.core.reference import SecretName
from reconciler.secrets.env import EnvSecrets, EnvSettings
from reconciler.secrets.store import Fetched

if TYPE_CHECKING:
    from reconciler.secrets.store import Surroundings


@pytest.fixture
def store(surroundings: Surroundings) -> EnvSecrets:
    environ = {"KEY": "FAKE-value", "EMPTY": "", "LINES": "a\nb\n"}
    return EnvSecrets(EnvSettings(), surroundings._replace(environ=environ))


def test_a_variable_is_returned_as_it_is(store: EnvSecrets) -> None:
    assert store.fetch(SecretName("env", "KEY", None)) == Fetched("FAKE-value")
    assert store.fetch(SecretName("env", "LINES", None)) == Fetched("a\nb\n")


@pytest.mark.parametrize("name", ["MISSING", "EMPTY"])
def test_a_variable_that_is_not_set_or_empty_is_named(store: EnvSecrets, name: str) -> None:
    with pytest.raises(SecretUnavailable, match=f"{name} is not set") as caught:
        store.fetch(SecretName("env", name, None))

    assert caught.value.mend == f"export {name}=…"


def test_a_variable_has_no_versions(store: EnvSecrets) -> None:
    with pytest.raises(SecretUnavailable, match="no versions"):
        store.fetch(SecretName("env", "KEY", "2"))


def test_nothing_can_be_kept_and_the_value_is_not_told(store: EnvSecrets) -> None:
    with pytest.raises(SecretUnavailable) as caught:
        store.keep(SecretName("env", "KEY", None), "FAKE-captured")

    assert "FAKE-captured" not in f"{caught.value} {caught.value.detail} {caught.value.mend}"
