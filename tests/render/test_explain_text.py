"""Explaining a kind: from the same markers that the planner obeys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field

from reconciler.core.behaviour import (
    Computed,
    EmptyIsNone,
    Immutable,
    Key,
    Merged,
    Secret,
    Unordered,
    WriteOnly,
)
from reconciler.core.resource import Capability, Limit, Output, Resource
from reconciler.render.explain_text import explain_json, explain_text, kinds_json, kinds_text


class Lamp(Resource):
    """A lamp
    in a room.

    It gives ``light``.
    """

    kind: ClassVar[str] = "home.lamp"
    outputs: ClassVar[Mapping[str, Output]] = {"pin": Output(secret=True, only_at_create=True)}
    limit: ClassVar[Limit | None] = Limit(4, "lamps in this home")

    room: Annotated[str, Key(), Field(max_length=20)]
    """Where it stands."""
    mode: Literal["warm", "cold"] = "warm"
    """How it shines."""
    voltage: Annotated[int, Immutable("built in")] = 230
    """Volts."""
    colors: Unordered[str] = frozenset()
    """What it can show."""
    tags: Annotated[dict[str, str], Merged()] = Field(default_factory=dict)
    """Keys of your own."""
    code: Annotated[
        str | None, Secret(unless=("mode", "cold")), WriteOnly(signal="serial"), EmptyIsNone()
    ] = None
    """Opens the lamp."""
    serial: Annotated[str | None, Computed()] = None
    """Given by the maker."""


class Sun(Resource):
    """The sun."""

    kind: ClassVar[str] = "home.daylight"
    capability: ClassVar[Capability] = Capability.OBSERVED


def test_a_kind_is_explained_from_its_model() -> None:
    assert (
        explain_text(Lamp)
        == """\
home.lamp   managed: created, changed and deleted
A lamp in a room.
It gives `light`.
The vendor allows 4 lamps in this home.

  room   text, at most 20 characters, required
      Where it stands.
      Identifies the object to a person (natural key).
  mode   one of "warm", "cold", default "warm"
      How it shines.
  voltage   whole number, default 230
      Volts.
      A difference means replace (built in).
  colors   list of text, default []
      What it can show.
      A set: order and repetition mean nothing.
  tags   mapping, default {}
      Keys of your own.
      Each key is a field of its own; keys that are not declared are left alone.
  code   text or null, default null
      Opens the lamp.
      Secret (unless mode is "cold"): a reference in files, masked in every output, never stored.
      Never returned by the vendor: compared by what was last applied.
      Compared in one form: empty-is-null.
      A write from outside is noticed by serial.
  serial   text or null, chosen by the vendor
      Given by the maker.
      Never declared and never compared.
  pin   output, secret, known only at creation; for ${ref:…} and capture
"""
    )


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        pytest.param(
            "voltage",
            "  home.lamp.voltage   whole number, default 230\n      Volts.\n"
            "      A difference means replace (built in).\n",
            id="field",
        ),
        pytest.param(
            "pin",
            "  home.lamp.pin   output, secret, known only at creation; for ${ref:…} and capture\n",
            id="output",
        ),
    ],
)
def test_one_field_is_explained_alone(field: str, expected: str) -> None:
    assert explain_text(Lamp, field) == expected


def test_an_unknown_field_is_an_error_in_every_form() -> None:
    with pytest.raises(KeyError):
        explain_text(Lamp, "volts")
    with pytest.raises(KeyError):
        explain_json(Lamp, "volts")


def test_as_json_a_field_carries_its_behaviour_and_its_schema() -> None:
    document = explain_json(Lamp, "voltage")

    assert document["fields"] == {
        "voltage": {
            "description": "Volts.",
            "required": False,
            "behaviour": ["A difference means replace (built in)."],
            "schema": {
                "default": 230,
                "description": "Volts.",
                "title": "Voltage",
                "type": "integer",
                "x-immutable": True,
            },
        }
    }
    assert document["outputs"] == {}


def test_kinds_are_listed_by_name_with_what_can_be_done() -> None:
    assert kinds_text([Lamp, Sun]) == (
        "home.daylight  observed  The sun.\nhome.lamp      managed   A lamp\n"
    )
    assert [one["kind"] for one in kinds_json([Lamp, Sun])["kinds"]] == [
        "home.daylight",
        "home.lamp",
    ]
