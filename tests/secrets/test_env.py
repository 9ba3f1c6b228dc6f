from __future__ import annotations

import pytest

from reconciler.core.errors import SecretUnavailable
from reconciler.core.reference import SecretName
from reconciler.secrets.env import EnvSecrets

STORE = EnvSecrets({"KEY": "FAKE-value", "EMPTY": "", "LINES": "a\nb\n"})


def test_a_variable_is_returned_as_it_is() -> None:
    assert STORE.fetch(SecretName("env", "KEY", None)) == "FAKE-value"
    assert STORE.fetch(SecretName("env", "LINES", None)) == "a\nb\n"


@pytest.mark.parametrize("name", ["MISSING", "EMPTY"])
def test_a_variable_that_is_not_set_or_empty_is_named(name: str) -> None:
    with pytest.raises(SecretUnavailable, match=f"{name} is not set") as caught:
        STORE.fetch(SecretName("env", name, None))

    assert caught.value.mend == f"export {name}=…"


def test_a_variable_has_no_versions() -> None:
    with pytest.raises(SecretUnavailable, match="no versions"):
        STORE.fetch(SecretName("env", "KEY", "2"))


def test_nothing_can_be_kept_and_the_value_is_not_told() -> None:
    with pytest.raises(SecretUnavailable) as caught:
        STORE.keep(SecretName("env", "KEY", None), "FAKE-captured")

    assert "FAKE-captured" not in f"{caught.value} {caught.value.detail} {caught.value.mend}"
