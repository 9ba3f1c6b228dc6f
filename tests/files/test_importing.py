"""Live objects as YAML: what is read back means the same, secrets are references to fill in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.reference import parse
from reconciler.core.secret import SecretValue
from reconciler.core.state import Entry, Snapshot, SnapshotHeader
from reconciler.files.importing import import_text
from reconciler.files.yaml_reader import read_document
from reconciler.providers import registry

MODELS = registry.models()
HEADER = SnapshotHeader(environment="shop", taken_at="2026-11-19T03:00:00Z", tool_version="0.1.0")


def entry(kind: str, remote_id: str = "id_1", **parts: Any) -> Entry:
    values = parts.pop("values")
    return Entry(parts.pop("address", None), kind, remote_id, values, **parts)


def imported(*entries: Entry, taken: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    text = import_text(Snapshot(HEADER, entries), MODELS, set(taken))
    found: list[dict[str, Any]] = read_document(text, "a.yaml").value["resources"]
    return found


def endpoint(url: str = "https://a.example/hook", **parts: Any) -> Entry:
    values: dict[str, Any] = {
        "url": url,
        "enabled_events": ["charge.refunded"],
        "description": None,
        "status": "enabled",
        "metadata": {},
        "api_version": None,
    }
    return entry("stripe.webhook_endpoint", values=values | parts.pop("values", {}), **parts)


def test_what_the_vendor_fills_in_by_itself_is_left_out() -> None:
    (item,) = imported(endpoint())

    assert item == {
        "kind": "stripe.webhook_endpoint",
        "name": "a-example-hook",
        "spec": {"url": "https://a.example/hook", "enabled_events": ["charge.refunded"]},
    }


@given(st.text(max_size=40), st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3))
def test_hostile_values_come_back_as_the_literals_they_are(
    text: str, metadata: dict[str, str]
) -> None:
    values = {"description": f"${{secret:env/HOME}} {text}", "metadata": metadata}

    (item,) = imported(endpoint(values=values))

    parts = parse(item["spec"]["description"])
    assert "".join(map(str, parts)) == values["description"]
    assert all(isinstance(part, str) for part in parts)


def test_a_secret_is_a_reference_to_fill_in() -> None:
    values = {"key": "DATABASE_URL", "target": ["production"], "type": "encrypted"}

    (item,) = imported(entry("vercel.env_var", values=values))

    assert item["spec"]["value"].startswith("${secret:env/DATABASE_URL")


def test_names_do_not_collide() -> None:
    names = [
        item["name"]
        for item in imported(
            endpoint(remote_id="a"),
            endpoint(remote_id="b"),
            endpoint("https://a.example/hook/", remote_id="c"),
            taken=frozenset({"stripe.webhook_endpoint/a-example-hook"}),
        )
    ]

    assert len(set(names)) == 3
    assert "a-example-hook" not in names


@pytest.mark.parametrize("url", ["https://é.example", "https://" + "x" * 300, "https://...."])
def test_a_name_is_always_one_that_files_may_have(url: str) -> None:
    (item,) = imported(endpoint(url))

    assert item["name"].isascii()
    assert 0 < len(item["name"]) <= 100


def test_what_is_declared_is_left_out() -> None:
    declared = "stripe.webhook_endpoint/a"

    assert imported(endpoint(address=declared), taken=frozenset({declared})) == []


def test_what_may_not_be_written_is_left_out_and_said() -> None:
    found = endpoint(read_only="managed by an integration")
    text = import_text(Snapshot(HEADER, (found,)), MODELS, set())

    assert "# stripe.webhook_endpoint id_1 left out: managed by an integration" in text
    assert read_document(text, "a.yaml").value["resources"] == []


def test_nothing_to_import_is_an_empty_list() -> None:
    assert imported() == []


def test_an_object_that_was_declared_once_keeps_its_name_and_its_references() -> None:
    remembered = SecretValue("${secret:file/dsn}")
    values = {"key": "DSN", "target": ["production"], "type": "encrypted", "value": remembered}

    (item,) = imported(entry("vercel.env_var", values=values, address="vercel.env_var/sentry"))

    assert item["name"] == "sentry"
    assert item["spec"]["value"] == "${secret:file/dsn}"


def test_a_connect_endpoint_is_known_by_its_application() -> None:
    (item,) = imported(endpoint(evidence={"application": "ca_1"}))

    assert item["spec"]["connect"] is True
