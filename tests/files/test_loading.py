"""Reading an environment: discovery, overlays, variables, and every error of every file at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.core.errors import InvalidInput, ReconcilerError
from reconciler.core.secret import SecretValue
from reconciler.files.loading import Catalogue, Loaded, environments, load, load_environment
from reconciler.providers import registry
from reconciler.secrets import registry as secret_stores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.core.diagnostic import Diagnostic

CATALOGUE = Catalogue(
    kinds=registry.kind_names(),
    vendors=registry.vendor_names(),
    stores=secret_stores.store_names(),
    model=registry.model_of,
    settings=lambda vendor: registry.account_type(vendor).settings_type,
    store_settings=lambda store: secret_stores.store_type(store).settings_type,
    may_keep=secret_stores.may_keep,
)
SHOP = """\
environment: shop
vars: {site: https://shop.example, port: 8080}
providers:
  stripe: {api_key: "${secret:env/KEY}"}
  vercel: {token: "${secret:env/TOKEN}", project: shop}
"""
ITEM = """\
resources:
  - kind: vercel.env_var
    name: a
    spec: {key: A, target: [preview], type: plain, value: x}
"""


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes files below ``desired_state/`` and returns the root."""

    def write(**texts: str) -> Path:
        for name, text in {"shop/environment": SHOP, **texts}.items():
            path = tmp_path / "desired_state" / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def loaded(root: Path, name: str = "shop") -> Loaded:
    return load(root, name, CATALOGUE, {"REGION": "europe-west1"})


def wrong(root: Path, name: str = "shop") -> tuple[Diagnostic, ...]:
    with pytest.raises(InvalidInput) as caught:
        loaded(root, name)
    return caught.value.diagnostics


def test_an_environment_is_a_folder_with_an_environment_file(files: Callable[..., Path]) -> None:
    root = files(**{"staging/environment": "environment: staging\n", "common/a": ITEM})

    assert environments(root / "desired_state") == ("shop", "staging")
    assert environments(root / "nowhere") == ()


def test_resources_of_all_files_and_folders_are_read(files: Callable[..., Path]) -> None:
    root = files(
        **{
            "shop/a": ITEM,
            "shop/deep/er/b": ITEM.replace("name: a", "name: b").replace("key: A", "key: B"),
            "shop/inner/environment": "environment: inner\n",
            "shop/inner/c": "resources: [",
            "shop/.hidden": "resources: [",
        }
    )

    assert [one.address for one in loaded(root).desired.resources] == [
        "vercel.env_var/a",
        "vercel.env_var/b",
    ]


def test_the_digest_follows_every_byte_of_the_resources(files: Callable[..., Path]) -> None:
    first = loaded(files(**{"shop/a": ITEM})).desired.digest
    same = loaded(files(**{"shop/a": ITEM})).desired.digest
    other = loaded(files(**{"shop/a": f"{ITEM}# a remark\n"})).desired.digest

    assert first == same
    assert first != other


def test_an_empty_environment_declares_nothing(files: Callable[..., Path]) -> None:
    assert loaded(files()).desired.resources == ()


def test_folders_it_extends_come_first_and_are_laid_over(files: Callable[..., Path]) -> None:
    root = files(
        **{
            "shop/environment": f"{SHOP}extends: [common, more]\n",
            "common/a": """\
resources:
  - kind: stripe.webhook_endpoint
    name: a
    criticality: P0
    spec:
      url: ${var:site}/hook
      enabled_events: [charge.refunded, charge.failed]
      metadata: {team: payments, tier: one}
""",
            "more/b": ITEM,
            "shop/a": """\
resources:
  - kind: stripe.webhook_endpoint
    name: a
    spec:
      enabled_events: [charge.refunded]
      metadata: {tier: two}
""",
        }
    )

    endpoint, variable = loaded(root).desired.resources

    assert endpoint.criticality == "P0"
    assert endpoint.values == {
        "url": "https://shop.example/hook",
        "enabled_events": ["charge.refunded"],
        "metadata": {"team": "payments", "tier": "two"},
    }
    assert variable.address == "vercel.env_var/a"


def test_an_overlay_can_take_a_resource_away(files: Callable[..., Path]) -> None:
    root = files(
        **{
            "shop/environment": f"{SHOP}extends: [common]\n",
            "common/a": ITEM,
            "shop/a": "resources: [{kind: vercel.env_var, name: a, state: absent}]\n",
        }
    )

    (item,) = loaded(root).desired.resources

    assert item.absent


def test_a_folder_to_extend_that_is_not_there_is_named(files: Callable[..., Path]) -> None:
    root = files(**{"shop/environment": f"{SHOP}extends: [comon]\n", "common/a": ITEM})

    (found,) = wrong(root)

    assert found.summary == "Unknown folder in extends"
    assert "Did you mean common?" in found.detail


@pytest.mark.parametrize("name", ["..", "../shop", "/etc", "a/b", "."])
def test_extends_never_leads_out(files: Callable[..., Path], name: str) -> None:
    root = files(**{"shop/environment": f"{SHOP}extends: ['{name}']\n"})

    assert wrong(root)


def test_two_of_one_address_in_one_folder_are_refused(files: Callable[..., Path]) -> None:
    found = wrong(files(**{"shop/a": ITEM, "shop/b": ITEM.replace("key: A", "key: B")}))

    assert [one.summary for one in found] == ["Declared twice"]
    assert "a.yaml:2" in found[0].detail
    assert str(found[0].place).startswith("desired_state/shop/b.yaml:3")


def test_one_object_under_two_names_is_refused(files: Callable[..., Path]) -> None:
    found = wrong(files(**{"shop/a": ITEM, "shop/b": ITEM.replace("name: a", "name: b")}))

    assert [one.summary for one in found] == ["The same object is declared twice"]


def test_variables_keep_their_types_in_the_environment(files: Callable[..., Path]) -> None:
    root = files(**{"shop/environment": f'{SHOP}policy: {{max_changes: "${{var:port}}"}}\n'})

    assert loaded(root).environment.policy.max_changes == 8080


def test_credentials_stay_the_references_they_are(files: Callable[..., Path]) -> None:
    settings = loaded(files()).settings["stripe"]

    assert getattr(settings, "api_key", None) == "${secret:env/KEY}"


def test_a_secret_is_a_reference_and_never_looked_up(files: Callable[..., Path]) -> None:
    root = files(
        **{
            "shop/a": ITEM.replace("type: plain, value: x", "value: 'p${secret:env/NOT_SET}'"),
        }
    )

    (item,) = loaded(root).desired.resources

    assert item.values["value"] == SecretValue("p${secret:env/NOT_SET}")


def test_an_environment_under_another_name_is_refused(files: Callable[..., Path]) -> None:
    (found,) = wrong(
        files(**{"shop/environment": SHOP.replace("environment: shop", "environment: x")})
    )

    assert found.mend == "environment: shop"


def test_a_kind_without_an_account_is_told_once(files: Callable[..., Path]) -> None:
    text = "environment: shop\n"
    both = f"{ITEM}{ITEM.partition(chr(10))[2]}".replace("name: a", "name: b", 1)

    found = wrong(
        files(**{"shop/environment": text, "shop/a": both.replace("key: A", "key: B", 1)})
    )

    assert [one.summary for one in found] == ["No vercel account"]


@pytest.mark.parametrize(
    ("depends", "summary"),
    [
        ("depends_on: [vercel.env_var/b]", "Unknown resource"),
        ("depends_on: [nonsense]", "Unknown resource"),
    ],
)
def test_a_dependency_that_is_not_there_is_refused(
    files: Callable[..., Path], depends: str, summary: str
) -> None:
    found = wrong(files(**{"shop/a": ITEM.replace("name: a", f"name: a\n    {depends}")}))

    assert [one.summary for one in found] == [summary]


def test_a_ring_is_refused(files: Callable[..., Path]) -> None:
    text = ITEM.replace("name: a", "name: a\n    depends_on: [vercel.env_var/a]")

    with pytest.raises(ReconcilerError, match=r"vercel\.env_var/a|circle|ring|cycle"):
        loaded(files(**{"shop/a": text}))


def test_errors_come_in_the_order_of_files_and_lines(files: Callable[..., Path]) -> None:
    root = files(
        **{
            "shop/environment": f"{SHOP}polcy: {{}}\n",
            "shop/b": ITEM.replace("name: a", "name: a b"),
            "shop/a": f"{ITEM}other: 1\n".replace("key: A", "kye: A"),
        }
    )

    places = [(one.place.file, one.place.line) for one in wrong(root) if one.place is not None]

    assert places == sorted(places)
    assert {file.rpartition("/")[2] for file, _ in places} == {
        "a.yaml",
        "b.yaml",
        "environment.yaml",
    }


def test_no_more_than_a_hundred_errors_are_told(files: Callable[..., Path]) -> None:
    text = "resources:\n" + "  - {kind: nothing.at_all, name: a}\n" * 5000

    found = wrong(files(**{"shop/a": text}))

    assert len(found) <= 102
    assert found[-1].summary == "Stopped here"


def test_the_place_of_a_field_is_known_for_the_plan(files: Callable[..., Path]) -> None:
    found = loaded(files(**{"shop/a": ITEM}))

    assert found.locate("vercel.env_var/a", "key") == "a.yaml:4"
    assert found.locate("vercel.env_var/nowhere", "key") is None


def test_the_environment_alone_is_enough_to_go_back(files: Callable[..., Path]) -> None:
    root = files(**{"shop/a": "resources: ["})

    found = load_environment(root, "shop", CATALOGUE, {})

    assert found.desired.resources == ()
    assert set(found.settings) == {"stripe", "vercel"}


def test_an_environment_that_is_not_there_is_answered_with_the_nearest(
    files: Callable[..., Path],
) -> None:
    (found,) = wrong(files(), "shpo")

    assert "Did you mean shop?" in found.detail


@pytest.mark.parametrize(
    "text",
    [
        "protected: 'yes'",
        "protected: 1",
        "policy: {max_deletes: -1}",
        "policy: {max_delets: 1}",
        "policy: {never_empty: vercel.env_var}",
        "checks: [{name: a, http: {url: 'https://a.example', expect_status: 99}}]",
        "checks: [{name: a, http: {url: 'https://a.example', timeout: 5}}]",
        "checks: [{name: '', http: {url: 'https://a.example'}}]",
        "extends: common",
        "unknown: 1",
        "providers: {paypal: {}}",
    ],
)
def test_an_environment_that_does_not_fit_is_refused_at_its_place(
    files: Callable[..., Path], text: str
) -> None:
    shop = SHOP.partition("providers:")[0] if text.startswith("providers") else SHOP

    found = wrong(files(**{"shop/environment": f"{shop}{text}\n"}))

    assert [one.place.line for one in found if one.place] == [shop.count("\n") + 1] * len(found)


@pytest.mark.parametrize(
    ("capture", "said"),
    [
        ("{secrt: '${secret:file/a}'}", "Unknown output"),
        ("{secret: '${secret:fiel/a}'}", "Unknown secret store"),
        ("{secret: '${secret:env/A}'}", "A capture into a store that cannot be written"),
        ("{secret: '${secret:file/a@1}'}", "A capture into a fixed version"),
        ("{secret: '${secret:file/taken}'}", "Two captures into one place"),
    ],
)
def test_a_capture_that_cannot_work_is_refused_before_anything_is_made(
    files: Callable[..., Path], capture: str, said: str
) -> None:
    text = "resources:\n" + "".join(
        f"  - kind: stripe.webhook_endpoint\n    name: {name}\n    capture: {given}\n"
        f"    spec: {{url: 'https://{name}.example', enabled_events: ['*']}}\n"
        for name, given in (("a", "{secret: '${secret:file/taken}'}"), ("b", capture))
    )

    (found,) = wrong(files(**{"shop/web": text}))

    assert found.summary == said
    assert found.place is not None
    assert found.place.line == 8


def test_a_reference_to_an_unknown_store_is_refused_at_its_place(
    files: Callable[..., Path],
) -> None:
    text = (
        "resources:\n  - kind: vercel.env_var\n    name: a\n    spec:\n"
        "      {key: A, target: [preview], value: 'Bearer ${secret:vualt/a}'}\n"
    )

    (found,) = wrong(files(**{"shop/web": text}))

    assert found.summary == "Unknown secret store"
    assert "vault" in found.detail
