"""The published schemas accept what the models accept, and nothing else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from reconciler.core.behaviour import rules_of
from reconciler.files.schemas import all_schemas, spec_schema
from reconciler.providers import registry
from reconciler.secrets import registry as secret_stores

if TYPE_CHECKING:
    from reconciler.core.resource import Resource

MODELS = registry.models()
SETTINGS = {
    vendor: registry.account_type(vendor).settings_type for vendor in registry.vendor_names()
}
STORES = {
    store: secret_stores.store_type(store).settings_type for store in secret_stores.store_names()
}
SCHEMAS = all_schemas(MODELS, SETTINGS, STORES)
WORDS = st.sampled_from(
    [
        "https://a.example",
        "ftp://a.example",
        "http://",
        "charge.refunded",
        "*",
        "Charge",
        "production",
        "preview",
        "development",
        "staging",
        "plain",
        "encrypted",
        "sensitive",
        "enabled",
        "disabled",
        "dpl_1",
        "dpl_",
        "A_KEY",
        "1KEY",
        "",
        " ",
        "é\n",
        "x" * 300,
        "x" * 5001,
    ]
)
SCALARS = WORDS | st.text(alphabet=st.characters(exclude_characters="$"), max_size=6)
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    SCALARS,
    st.lists(SCALARS | st.integers(0, 1), max_size=3),
    st.dictionaries(SCALARS, SCALARS | st.integers(0, 1), max_size=2),
)
GOOD: dict[str, dict[str, Any]] = {
    "stripe.webhook_endpoint": {
        "url": "https://a.example",
        "enabled_events": ["charge.refunded"],
    },
    "vercel.env_var": {"key": "A", "target": ["preview"], "value": "x"},
    "vercel.production_deployment": {"deployment": "dpl_1"},
}


@cache
def validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(spec_schema(MODELS[kind]))


def accepts(model: type[Resource], spec: dict[str, Any]) -> bool | None:
    """Tell whether the model accepts ``spec``; None for what only a rule across fields refuses."""
    try:
        model.model_validate(spec)
    except ValidationError as error:
        return None if all(not one["loc"] for one in error.errors()) else False
    return True


@st.composite
def specs(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """Specs that are good but for a field or two."""
    names = [rule.name for rule in rules_of(MODELS[kind]) if not rule.computed]
    spec = dict(GOOD.get(kind, {}))
    for name in draw(st.lists(st.sampled_from([*names, "unknown"]), max_size=2)):
        spec[name] = draw(ANYTHING)
    for name in draw(st.lists(st.sampled_from(names), max_size=1)):
        spec.pop(name, None)
    return spec


@pytest.mark.parametrize("kind", registry.KINDS)
@given(data=st.data())
def test_schema_and_model_agree(kind: str, data: st.DataObject) -> None:
    spec = data.draw(specs(kind))
    verdict = accepts(MODELS[kind], spec)

    if verdict is not None:
        assert validator(kind).is_valid(spec) is verdict, spec


@pytest.mark.parametrize("kind", GOOD)
def test_the_good_ones_are_good_to_both(kind: str) -> None:
    assert accepts(MODELS[kind], GOOD[kind]) is True
    assert validator(kind).is_valid(GOOD[kind])


def test_every_field_may_be_a_reference() -> None:
    for kind, model in MODELS.items():
        for rule in rules_of(model):
            if not rule.computed:
                spec = {**GOOD.get(kind, {}), rule.name: "a${var:x}"}
                errors = validator(kind).iter_errors(spec)
                assert [one for one in errors if list(one.path) == [rule.name]] == [], rule.name


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_and_says_what_it_is(name: str) -> None:
    schema = SCHEMAS[name]

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"].startswith("reconciler ")
    Draft202012Validator.check_schema(schema)


def test_every_reference_inside_a_schema_leads_somewhere() -> None:
    for name, schema in SCHEMAS.items():
        for target in _targets(schema):
            found: Any = schema
            for part in target.removeprefix("#/").split("/"):
                found = found[part]
            assert found is not None, name


def test_markers_are_in_the_schema() -> None:
    fields = SCHEMAS["resources.json"]["$defs"]["stripe.webhook_endpoint"]["properties"]

    assert fields["url"]["x-key"] is True
    assert fields["api_version"]["x-immutable"]
    assert fields["connect"]["writeOnly"] is True
    value = SCHEMAS["resources.json"]["$defs"]["vercel.env_var"]["properties"]["value"]
    assert "x-secret" in value


def test_every_field_is_described() -> None:
    for kind, model in MODELS.items():
        described = spec_schema(model)["properties"]
        assert [name for name, one in described.items() if not one.get("description")] == [], kind


def _targets(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return own + [one for value in schema.values() for one in _targets(value)]
    if isinstance(schema, list):
        return [one for value in schema for one in _targets(value)]
    return []
