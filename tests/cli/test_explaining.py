"""Help that needs no manual: kinds, explain, schema. None of them needs an environment."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from reconciler.files.yaml_reader import read_document
from reconciler.providers import registry

if TYPE_CHECKING:
    from tests.cli.conftest import Run, Shop

ROOT = Path(__file__).parents[2]
FIELDS = [
    f"{kind}.{field}" for kind in registry.KINDS for field in registry.model_of(kind).model_fields
]


def test_every_kind_is_listed(run: Run) -> None:
    ran = run("kinds")

    assert ran.code == 0
    assert all(kind in ran.out for kind in registry.kind_names())


def test_kinds_in_json_hold_the_same(run: Run) -> None:
    assert all(kind in run("kinds", "--format", "json").out for kind in registry.kind_names())


@pytest.mark.parametrize("name", [*registry.KINDS, *FIELDS])
def test_everything_can_be_explained(run: Run, name: str) -> None:
    text, document = run("explain", name), run("explain", name, "--format", "json")

    assert (text.code, document.code) == (0, 0)
    assert text.out.strip()
    assert isinstance(document.json, dict)


def test_an_output_can_be_explained(run: Run) -> None:
    assert run("explain", "stripe.webhook_endpoint.secret").code == 0


@pytest.mark.parametrize("name", ["", ".", "stripe", "stripe.", "a.b.c.d", "\x1b[31m"])
def test_what_is_no_kind_is_refused(run: Run, name: str) -> None:
    ran = run("explain", name)

    assert ran.code == 1
    assert "\x1b" not in ran.all


def test_the_published_schemas_are_up_to_date(run: Run) -> None:
    ran = run("-C", ROOT, "schema", "--check")

    assert ran.code == 0, f"{ran.err}mend it with: reconciler schema"


def test_a_schema_that_is_out_of_date_is_named(run: Run, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    (tmp_path / "schemas" / "plan.json").write_text("{}\n", encoding="utf-8")
    (tmp_path / "schemas" / "resources.json").unlink()

    ran = run("-C", tmp_path, "schema", "--check")

    assert ran.code == 1
    assert "plan.json is out of date" in ran.err
    assert "resources.json is out of date" in ran.err
    assert (tmp_path / "schemas" / "plan.json").read_text() == "{}\n"


def test_schemas_are_written_where_they_are_missing(run: Run, tmp_path: Path) -> None:
    first = run("-C", tmp_path, "schema")
    second = run("-C", tmp_path, "schema")

    names = {"environment", "plan", "resources", "snapshot"}
    assert set(first.out.split()) >= {f"schemas/{name}.json" for name in names}
    assert second.out == ""
    assert run("-C", tmp_path, "schema", "--check").code == 0


@pytest.mark.parametrize("path", sorted((ROOT / "schemas").glob("*.json")), ids=lambda p: p.name)
def test_a_published_schema_is_one_of_2020_12(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


def lines_of(shop: Shop) -> list[str]:
    return [
        line
        for path in sorted(shop.snapshots.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").split("\n")
        if line
    ]


def test_what_is_written_is_as_published(good: Shop) -> None:
    good.click(url="https://old.example/stripe")
    good.lose("DATABASE_URL")
    good.done("plan", "sandbox", "-o", "a.json")
    good.done("apply", "sandbox", "a.json", "--yes")
    snapshot, plan = (
        Draft202012Validator(json.loads((ROOT / "schemas" / name).read_text(encoding="utf-8")))
        for name in ("snapshot.json", "plan.json")
    )

    assert [
        one.message for line in lines_of(good) for one in snapshot.iter_errors(json.loads(line))
    ] == []
    for path in (good.root / "a.json", *good.snapshots.glob("runs/*/*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert [one.message for one in plan.iter_errors(document)] == []


def test_the_example_is_as_published() -> None:
    for path in sorted((ROOT / "desired_state").rglob("*.yaml")):
        name = "environment.json" if path.name == "environment.yaml" else "resources.json"
        schema = json.loads((ROOT / "schemas" / name).read_text(encoding="utf-8"))
        value = read_document(path.read_text(encoding="utf-8"), path.name).value

        assert [one.message for one in Draft202012Validator(schema).iter_errors(value)] == []
