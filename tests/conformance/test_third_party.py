"""A kind of somebody else's: installed as a package, tested with the same suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import ReconcilerError
from reconciler.core.masking import Masker
from reconciler.engine.observing import observe
from reconciler.providers import registry
from reconciler.providers.opening import Opening
from reconciler.secrets.opening import Around, Wanted, open_secrets
from reconciler.wire.transport import Connections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODE = '''
from typing import Annotated, ClassVar

from reconciler.core.behaviour import Key
from reconciler.core.record import Record
from reconciler.core.resource import Resource
from reconciler.core.state import Account, Observed


class Flag(Resource):
    """A switch at Acme."""

    kind: ClassVar[str] = "acme.flag"
    name: Annotated[str, Key()]
    on: bool = False


class Flags:
    resource_type = Flag

    def __init__(self, account):
        self.account = account

    def observe(self):
        yield Observed("flag-1", {"name": "checkout", "on": self.account.settings.on})


class AcmeSettings(Record):
    on: bool = True


class AcmeAccount:
    settings_type = AcmeSettings
    kinds = {"acme.flag": Flags}

    def __init__(self, settings, opening):
        self.settings = settings

    def identify(self):
        return Account(vendor="acme", id="acme-1")
'''


@pytest.fixture(autouse=True)
def _registry_forgets() -> Iterator[None]:
    """What was found among the installed packages holds for one test."""
    known = (registry.account_type, registry._foreign_kinds, registry._provider_type)  # noqa: SLF001
    for cached in known:
        cached.cache_clear()
    yield
    for cached in known:
        cached.cache_clear()


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str, *, name: str) -> None:
    """Put a package with an entry point on the path, as pip would."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    entry = f"[reconciler.providers]\nacme = {name}:AcmeAccount\n"
    (info / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(str(folder))


def test_an_installed_kind_is_a_kind_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, CODE, name="acme_reconciler")

    assert "acme.flag" in registry.kind_names()
    assert "acme" in registry.vendor_names()
    assert registry.model_of("acme.flag").kind == "acme.flag"
    settings = registry.account_type("acme").settings_type.model_validate({"on": False})
    with Connections() as connections:
        masker = Masker()
        around = Around(tmp_path, {}, masker, lambda: connections)
        opening = Opening(open_secrets(Wanted(), around), masker, connections, writes=False)
        session = registry.open_session("acme", settings, opening)
        seen = observe({"acme": session}, ["acme.flag"])
    assert [item.id for item in seen.accounts] == ["acme-1"]
    assert [item.values for item in seen.objects["acme.flag"]] == [
        {"name": "checkout", "on": False}
    ]


def test_a_package_that_cannot_be_loaded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "raise RuntimeError('no licence')", name="acme_broken")

    with pytest.raises(ReconcilerError) as caught:
        registry.kind_names()

    assert "acme_broken" in caught.value.summary
    assert "no licence" in caught.value.detail
