"""The pure part of ``stripe.webhook_endpoint``: what a file says and what Stripe is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.providers.stripe.webhook_endpoint import (
    WebhookEndpoint,
    catalogue,
    create_params,
    update_params,
)

SPEC = {"url": "https://shop.example/stripe", "enabled_events": ["charge.refunded"]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"enabled_events": []},
        {"enabled_events": ["charge refunded"]},
        {"url": "shop.example/stripe"},
        {"status": "off"},
        {"metadata": {"team": ""}},
        {"livemode": True},
        {"connect": "yes"},
    ],
)
def test_a_spec_that_stripe_would_refuse_is_refused_here(wrong: dict[str, Any]) -> None:
    """ST-07 among others."""
    with pytest.raises(ValidationError):
        WebhookEndpoint.model_validate({**SPEC, **wrong})


def test_a_glob_stands_for_the_names_of_the_catalogue() -> None:
    """ST-22."""
    found = WebhookEndpoint.expand({**SPEC, "enabled_events": ["payment_intent.*", "*"]})

    events = found.spec["enabled_events"]
    assert len(events) == 9
    assert set(events) - {"*"} <= set(catalogue())
    assert found.notes == ("payment_intent.* = 8 events of the catalogue of 2026-10-28",)


def test_a_glob_that_fits_nothing_is_a_mistake() -> None:
    found = WebhookEndpoint.expand({**SPEC, "enabled_events": ["payment_intnt.*"]})

    with pytest.raises(ValidationError):
        WebhookEndpoint.model_validate(found.spec)


def test_only_lists_and_text_are_handed_to_the_sdk() -> None:
    """ST-27: a Python set would be sent as the text of a set."""
    desired = WebhookEndpoint.model_validate({**SPEC, "enabled_events": ["b.b", "a.a", "a.a"]})

    params: Any = create_params(desired, "shop/stripe.webhook_endpoint/payments")

    assert params == {
        "url": SPEC["url"],
        "enabled_events": ["a.a", "b.b"],
        "metadata": {"reconciler": "shop/stripe.webhook_endpoint/payments"},
    }
    assert isinstance(params["enabled_events"], list)


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"status": "disabled"}, {"disabled": True}),
        ({"status": "enabled"}, {"disabled": False}),
        ({"description": None}, {"description": ""}),
        ({"metadata": {"team": None, "tier": "1"}}, {"metadata": {"team": "", "tier": "1"}}),
        ({"enabled_events": ["*"]}, {"enabled_events": ["*"]}),
    ],
)
def test_an_update_is_written_in_the_words_of_stripe(
    fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    """ST-08, ST-09 and the asymmetric names of the status."""
    params: Any = update_params(fields)

    assert params == sent
