"""The table of exit codes, in both formats. Users script against it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NamedTuple

import pytest

from reconciler.cli.exit_codes import ExitCode, exit_code_of
from reconciler.core import errors
from reconciler.engine.stepping import Stepper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Ran, Run, Shop


class Case(NamedTuple):
    """A command, what happened before it, and how it must end."""

    code: int
    arguments: str
    before: Callable[[Shop, pytest.MonkeyPatch], object] = lambda *_: None


def good(shop: Shop, _: pytest.MonkeyPatch) -> None:
    shop.done("snapshot", "sandbox", "--label", "good")


def drifted(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    good(shop, patch)
    shop.click(url="https://old.example/stripe")


def drifted_without_snapshot(shop: Shop, _: pytest.MonkeyPatch) -> None:
    shop.click(url="https://old.example/stripe")


def broken_file(shop: Shop, _: pytest.MonkeyPatch) -> None:
    shop.write("resources:\n  - kind: stripe.webhook_endpiont\n    name: x\n    spec: {}\n")


def vendor_refuses_the_second(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    drifted(shop, patch)
    shop.lose("LOG_LEVEL")
    shop.world.fail(vendor="vercel", method="POST", status=400)


def vendor_forgets(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    drifted(shop, patch)
    shop.world.fail(vendor="stripe", method="POST", no_effect=True)


def no_key(_: Shop, patch: pytest.MonkeyPatch) -> None:
    patch.delenv("SANDBOX_STRIPE_KEY")


def key_is_refused(_: Shop, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("SANDBOX_STRIPE_KEY", "sk_test_wrong!")


def other_account(shop: Shop, _: pytest.MonkeyPatch) -> None:
    shop.edit("environment.yaml", "acct_1SandboxShop", "acct_other")


def no_budget(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    drifted(shop, patch)
    shop.edit("environment.yaml", "max_changes: 20", "max_changes: 0")


def protected(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    drifted(shop, patch)
    shop.protect()


def spent_plan(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    drifted(shop, patch)
    shop.done("plan", "sandbox", "-o", "a.plan")
    shop.done("apply", "sandbox", "a.plan", "--yes")


def moved_under_it(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    drifted(shop, patch)
    shop.done("plan", "sandbox", "-o", "a.plan")
    shop.click(url="https://another.example/stripe")


def applied(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    drifted(shop, patch)
    shop.done("apply", "sandbox", "--yes")


def frozen(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    drifted(shop, patch)
    shop.done("freeze", "sandbox", "--until", "2h", "--reason", "an incident")


def list_fails(shop: Shop, _: pytest.MonkeyPatch) -> None:
    shop.world.fail(vendor="vercel", path="/v10/projects/shop/env", status=500)


def stopped(shop: Shop, patch: pytest.MonkeyPatch) -> None:
    vendor_refuses_the_second(shop, patch)
    carry_out = Stepper.carry_out

    def interrupted(*arguments: object) -> Iterator[object]:
        signal.raise_signal(signal.SIGINT)
        yield from carry_out(*arguments)  # type: ignore[arg-type]  # handed on as they came

    patch.setattr(Stepper, "carry_out", interrupted)


def stopped_while_reading(_: Shop, patch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    patch.setattr("reconciler.cli.workspace.observe", interrupted)


CASES = {
    "nothing to do": Case(0, "plan sandbox --exit-code"),
    "differences without --exit-code": Case(0, "plan sandbox", drifted),
    "no drift": Case(0, "drift sandbox", good),
    "applied": Case(0, "apply sandbox --yes", drifted),
    "rolled back": Case(0, "rollback sandbox --yes", drifted),
    "undone": Case(0, "undo sandbox --yes", applied),
    "nothing to recover": Case(0, "recover sandbox --yes", applied),
    "mistyped environment": Case(1, "plan sandbx"),
    "mistyped option": Case(1, "plan sandbox --exit-cod"),
    "mistyped command": Case(1, "paln sandbox"),
    "mistyped choice": Case(1, "drift sandbox --fail-on P7"),
    "missing argument": Case(1, "diff sandbox live"),
    "surplus argument": Case(1, "validate sandbox sandbox"),
    "invalid file": Case(1, "plan sandbox", broken_file),
    "invalid file, offline": Case(1, "validate", broken_file),
    "unknown snapshot": Case(1, "rollback sandbox --to nowhere --yes", good),
    "never labelled good": Case(1, "rollback sandbox --yes"),
    "unknown run": Case(1, "undo sandbox nothing --yes", applied),
    "differences with --exit-code": Case(2, "plan sandbox --exit-code", drifted),
    "drift": Case(2, "drift sandbox", drifted),
    "drift without a snapshot": Case(2, "drift sandbox", drifted_without_snapshot),
    "diff with --exit-code": Case(2, "diff sandbox good live --exit-code", drifted),
    "finished in part": Case(3, "apply sandbox --yes", vendor_refuses_the_second),
    "accepted but not so": Case(3, "apply sandbox --yes", vendor_forgets),
    "credential not set": Case(4, "plan sandbox", no_key),
    "credential refused": Case(4, "plan sandbox", key_is_refused),
    "credential refused, snapshot": Case(4, "snapshot sandbox", key_is_refused),
    "credential refused, drift": Case(4, "drift sandbox", key_is_refused),
    "credential refused, apply": Case(4, "apply sandbox --yes", key_is_refused),
    "credential refused, diff": Case(4, "diff sandbox desired live", key_is_refused),
    "other account": Case(5, "plan sandbox", other_account),
    "over budget": Case(5, "plan sandbox", no_budget),
    "over budget, apply": Case(5, "apply sandbox --yes", no_budget),
    "no consent": Case(5, "apply sandbox", drifted),
    "no consent to rollback": Case(5, "rollback sandbox", drifted),
    "no consent to undo": Case(5, "undo sandbox", applied),
    "frozen": Case(5, "apply sandbox --yes", frozen),
    "protected, not confirmed": Case(5, "apply sandbox --yes", protected),
    "protected, wrong name": Case(5, "apply sandbox --yes --confirm sandbx", protected),
    "plan used twice": Case(6, "apply sandbox a.plan --yes", spent_plan),
    "live moved": Case(6, "apply sandbox a.plan --yes", moved_under_it),
    "list fails": Case(7, "plan sandbox", list_fails),
    "list fails, drift": Case(7, "drift sandbox", list_fails),
    "list fails, snapshot": Case(7, "snapshot sandbox", list_fails),
    "list fails, diff": Case(7, "diff sandbox desired live", list_fails),
    "list fails, apply": Case(7, "apply sandbox --yes", list_fails),
    "interrupted": Case(130, "apply sandbox --yes", stopped),
    "interrupted while reading": Case(130, "plan sandbox", stopped_while_reading),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_command_ends_with_the_same_code_in_every_format(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, case: Case, form: str
) -> None:
    case.before(shop, monkeypatch)

    ran = shop.run(*case.arguments.split(), "--format", form)

    assert ran.code == case.code, ran.all
    if form == "json":
        assert ran.json.get("error", {}).get("exit_code", case.code) == case.code


def test_every_code_of_the_table_is_shown_by_a_case() -> None:
    assert {case.code for case in CASES.values()} == set(ExitCode)


def test_an_error_in_json_names_its_exit_code(shop: Shop) -> None:
    ran = shop.run("plan", "sandbx", "--format=json")

    assert ran.json["error"]["exit_code"] == 1
    assert ran.json["error"]["diagnostics"][0]["summary"] == "There is no environment 'sandbx'"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.VerificationFailed("x"), 3),
        (errors.Unauthenticated("x", vendor="stripe"), 4),
        (errors.PermissionDenied("x", vendor="stripe"), 4),
        (errors.SecretUnavailable("x"), 4),
        (errors.WrongAccount("x"), 5),
        (errors.LockHeld("x"), 6),
        (errors.StalePlan("x"), 6),
        (errors.PartialRead("x"), 7),
        (errors.LiveStateUnknown("x"), 7),
        (errors.NotFound("x", vendor="stripe"), 1),
        (errors.CorruptFile("x"), 1),
        (errors.AmbiguousIdentity("x"), 1),
        (errors.WriteAttempted("x"), 1),
        (ValueError("x"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_error_has_its_code(error: BaseException, code: int) -> None:
    assert exit_code_of(error) == code


def test_a_mistyped_word_is_answered_with_the_one_that_was_meant(run: Run) -> None:
    def told(*arguments: str) -> Ran:
        return run(*arguments)

    assert "Did you mean plan?" in told("paln").err
    assert "--exit-code" in told("plan", "sandbox", "--exit-cod").err
    assert "Did you mean stripe.webhook_endpoint?" in told("explain", "stripe.webhook_endpont").err
    assert "Did you mean url?" in told("explain", "stripe.webhook_endpoint.urll").err
