"""Objects that nobody declares, and that look just like a managed one, are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Shop


def test_a_second_endpoint_with_the_url_of_a_managed_one_is_named(good: Shop) -> None:
    state = good.world.state("stripe")
    twin = {**good.endpoint(), "id": "we_twin"}
    endpoints = [*state["webhook_endpoints"], twin]
    good.world.put("stripe", {**state, "webhook_endpoints": endpoints})

    ran = good.run("plan", "sandbox", "--exit-code")

    assert ran.code == 0
    assert "we_twin, which nobody declares, has the same natural key" in ran.words


def test_without_one_nothing_is_said(good: Shop) -> None:
    ran = good.done("plan", "sandbox", "--format", "json")

    assert [one for one in ran.json["findings"] if one["rule"] == "twin"] == []
