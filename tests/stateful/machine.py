"""A random world in which commands are given in any order. What safety promises is checked at each of them."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reconciler.cli.main import main
from tests.killing import shop
from tests.stateful import candidates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.conformance.world import World

State = dict[str, Any]
STAMPS = {"updatedAt", "updatedBy"}
GIVEN = {"id", "secret", "created", "createdAt", "createdBy", "updatedAt", "updatedBy"}
"""What the vendor gives to a new object, and no undo can bring back."""


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shop(RuleBasedStateMachine):
    """One shop, its vendors, and whoever works on either."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.folder = Path(tempfile.mkdtemp(prefix="reconciler-"))
        self.now = count(1792408100000)
        self.is_ill = False
        self.labelled: tuple[shop.Live, frozenset[str]] | None = None

    def teardown(self) -> None:
        self.world.heal()
        shutil.rmtree(self.folder)

    # what happens outside

    @initialize(
        endpoints=candidates.live_endpoints(),
        rows=candidates.live_rows(),
        declared=candidates.declarations(),
    )
    def begin(self, endpoints: list[State], rows: list[State], declared: tuple[State, ...]) -> None:
        shop.seed(self.world)
        stripe, vercel = self.world.state("stripe"), self.world.state("vercel")
        stripe["webhook_endpoints"] = endpoints
        vercel["projects"][0]["env"] = rows
        self.world.put("stripe", stripe)
        self.world.put("vercel", vercel)
        shop.declare(self.folder, self.world, declared)

    @rule(declared=candidates.declarations())
    def declare(self, declared: tuple[State, ...]) -> None:
        shop.declare(self.folder, self.world, declared)

    @rule(click=candidates.clicks)
    def meddle(self, click: candidates.Click) -> None:
        state, now = self.world.state(click.vendor), next(self.now)
        if click.vendor == "stripe":
            endpoints = state["webhook_endpoints"]
            state["webhook_endpoints"] = candidates.clicked(click, endpoints, now)
        else:
            project = state["projects"][0]
            project["env"] = candidates.clicked(click, project["env"], now)
        self.world.put(click.vendor, state)

    @rule(fault=candidates.faults)
    def fall_ill(self, fault: State) -> None:
        self.world.fail(**fault)
        self.is_ill = True

    @precondition(lambda self: self.is_ill)
    @rule()
    def heal(self) -> None:
        self.world.heal()
        self.is_ill = False

    # what is commanded

    @rule(label=st.booleans())
    def snapshot(self, *, label: bool) -> None:
        words = ("--label", "good") if label else ()
        ran = self.reading("snapshot", "shop", *words)
        if label and ran.code == 0 and not self.is_ill:
            self.labelled = (shop.Live(self.world), self.managed())

    @rule()
    def drift(self) -> None:
        ran = self.reading("drift", "shop")
        assert ran.code in {0, 1, 2, 4, 7}, ran.err

    @rule()
    def plan(self) -> None:
        self.planned()

    @rule(prune=st.booleans(), goes_on=st.booleans())
    def apply(self, *, prune: bool, goes_on: bool) -> None:
        self.recovered()
        plan = self.planned(*(["--prune"] if prune else []))
        if plan is None:
            return
        before = shop.Live(self.world)
        self.world.forget()
        ran = self.run(
            *("apply", "shop", "plan.json", "--yes", "--format", "json"),
            *("--on-error", "continue" if goes_on else "stop"),
        )
        self.assert_only_what_was_planned(plan, before, ran)
        if ran.code == 0:
            self.assert_empty(prune=prune)

    @rule()
    def apply_and_undo(self) -> None:
        """Undo gives back every byte that it can; undone twice is undone once; undone again is forward."""
        self.recovered()
        if self.is_ill or (plan := self.planned()) is None:
            return
        before = shop.Live(self.world)
        done = self.run("apply", "shop", "plan.json", "--yes", "--format", "json")
        if done.code != 0 or not plan["changes"] or "run" not in done.json:
            return
        forward = shop.Live(self.world)
        run = done.json["run"]
        by_hand = any(change["action"] == "manual" for change in plan["changes"])

        undone = self.run("undo", "shop", run, "--yes", "--format", "json", *self.consent())
        if undone.code != 0 or by_hand or has_manual(undone):
            return
        self.assert_alike(before, shop.Live(self.world), plan)
        self.world.forget()
        again = self.run("undo", "shop", run, "--yes", "--format", "json", *self.consent())
        assert again.code == 0, again.err
        assert self.world.writes() == ()
        if "run" not in undone.json:
            return
        redone = self.run(
            "undo", "shop", undone.json["run"], "--yes", "--format", "json", *self.consent()
        )
        if redone.code == 0 and not has_manual(redone):
            self.assert_alike(forward, shop.Live(self.world), plan)

    @precondition(lambda self: self.labelled is not None)
    @rule()
    def rollback(self) -> None:
        """Back to what was good; twice is once."""
        self.recovered()
        ran = self.run("rollback", "shop", "--yes", "--format", "json", *self.consent())
        if ran.code != 0 or self.is_ill or self.labelled is None:
            return
        good, managed = self.labelled
        if not has_manual(ran):
            self.assert_restored(good, managed)
        self.world.forget()
        again = self.run("rollback", "shop", "--yes", "--format", "json", *self.consent())
        assert again.code == 0, again.err
        assert self.world.writes() == ()

    # what must hold

    @invariant()
    def journals_are_whole(self) -> None:
        if (self.folder / "snapshots").exists():
            ran = self.run("history", "shop", "--verify")
            assert ran.code == 0, ran.out

    def assert_only_what_was_planned(self, plan: State, before: shop.Live, ran: Ran) -> None:
        """The calls are those of the plan, nothing is touched or lost besides, nothing is there twice."""
        writes = [one for one in self.world.writes() if one.status < 400]
        now = shop.Live(self.world)
        assert ran.code in {0, 1, 3, 4, 5, 6, 7}, ran.err
        if plan["unreadable"]:
            assert ran.code in {4, 7}
            assert not writes
        calls = steps_of(plan)
        if ran.code == 0 and not self.is_ill:
            assert len(writes) == calls
        changed = {change["remote_id"]: change for change in plan["changes"] if change["remote_id"]}
        after = things(now)
        for one, thing in things(before).items():
            if one not in changed:
                assert after.get(one) == thing, f"{one} is nobody's business"
            elif changed[one]["action"] == "update":
                assert one in after, f"{one} was to be updated, and is gone"
        if ran.code == 0:
            assert set(doubles(now)) <= set(doubles(before))

    def assert_empty(self, *, prune: bool) -> None:
        """A success leaves nothing to do, and the readable fields are as declared."""
        self.heal()
        again = self.run("plan", "shop", "--exit-code", *(["--prune"] if prune else []))
        assert again.code == 0, again.out

    def assert_alike(self, one: shop.Live, other: shop.Live, plan: State) -> None:
        """All is byte-equal, but for what the plan said is lost, and the time of the last write."""
        lossy = {c["remote_id"] for c in plan["changes"] if c["reversibility"] != "reversible"}
        renewed = {c["remote_id"] for c in plan["changes"] if c["action"] in {"delete", "replace"}}
        made = any(c["action"] in {"create", "replace"} for c in plan["changes"])
        left, right = things(one), things(other)
        for name, thing in left.items():
            if name in right:
                unreadable = {"value"} if name in lossy else set()
                assert without(thing, STAMPS | unreadable) == without(
                    right[name], STAMPS | unreadable
                )
            else:
                assert name in renewed or made, f"{name} is gone"
        assert nameless(left) == nameless(right)
        assert one.project["production"] == other.project["production"]

    def assert_restored(self, good: shop.Live, managed: frozenset[str]) -> None:
        now = things(shop.Live(self.world)).values()
        restored = [shown(thing) for thing in now]
        for name, thing in things(good).items():
            if name in managed:
                assert shown(thing) in restored, name
        if any(name.startswith("prj_") for name in managed):
            assert shop.Live(self.world).project["production"] == good.project["production"]

    # how it is commanded

    def planned(self, *words: str) -> State | None:
        """Make and save a plan; what is unknown is in no change."""
        ran = self.reading("plan", "shop", "-o", "plan.json", *words, *self.consent())
        assert ran.code in {0, 1, 4, 5, 7}, ran.err
        path = self.folder / "plan.json"
        if not path.exists():
            return None
        plan: State = json.loads(path.read_text(encoding="utf-8"))
        unknown = {one["kind"] for one in plan["unreadable"]}
        assert not [change for change in plan["changes"] if change["kind"] in unknown]
        if ran.code in {1, 4}:
            path.unlink()
            return None
        return plan

    def recovered(self) -> None:
        """Settle what an error left unsettled, so that one may go on."""
        if not self.is_ill:
            self.run("recover", "shop", "--yes")

    def consent(self) -> list[str]:
        """Agree to every replacement."""
        text = (self.folder / "desired_state/shop/resources.yaml").read_text(encoding="utf-8")
        names = [f"{one['kind']}/{one['name']}" for one in json.loads(text)["resources"]]
        known = {f"stripe.webhook_endpoint/{name}" for name in candidates.ENDPOINTS}
        known |= {f"vercel.env_var/{key.lower()}" for key in (*candidates.ROWS, "FOLLOWS")}
        return [word for one in sorted({*names, *known}) for word in ("--allow-replace", one)]

    def managed(self) -> frozenset[str]:
        """Return the ids of what the newest snapshot knows as ours."""
        newest = max((self.folder / "snapshots/shop").glob("*.jsonl"))
        lines = newest.read_text(encoding="utf-8").splitlines()[1:]
        entries = [json.loads(line) for line in lines]
        return frozenset(one["remote_id"] for one in entries if one.get("address"))

    def reading(self, *words: str) -> Ran:
        """Run a command that only reads: no vendor sees a write, and nothing changes."""
        self.world.forget()
        ran = self.run(*words)
        assert self.world.writes() == ()
        return ran

    def run(self, *words: str) -> Ran:
        """Run a command. Whatever happens, nobody sees a traceback."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["-C", str(self.folder), *words])
        assert "Traceback" not in err.getvalue()
        return Ran(code, out.getvalue(), err.getvalue())


def things(live: shop.Live) -> dict[str, State]:
    """Return every object by its id."""
    return {one["id"]: one for one in (*live.endpoints, *live.rows)}


def without(thing: Mapping[str, Any], names: set[str]) -> State:
    """Return an object without some fields; one that is empty is as good as one that is missing."""
    return {
        name: value
        for name, value in thing.items()
        if name not in names and value not in (None, "", {})
    }


def shown(thing: Mapping[str, Any]) -> str:
    """Return what a reader sees of an object, and a new one can have as well."""
    found = without(
        thing, {*GIVEN, "connect", "application", "livemode", "object", "configurationId"}
    )
    if "metadata" in found:
        kept = {name: value for name, value in found["metadata"].items() if name != "reconciler"}
        found["metadata"] = kept
    if thing.get("type", "plain") != "plain" or thing.get("key") == "FOLLOWS":
        found.pop("value", None)
    return json.dumps(without(found, set()), sort_keys=True)


def nameless(found: Mapping[str, State]) -> list[str]:
    return sorted(map(shown, found.values()))


def doubles(live: shop.Live) -> list[str]:
    """Return what is there twice."""
    keys = [one["url"] for one in live.endpoints]
    keys += [f"{one['key']} {place}" for one in live.rows for place in one["target"]]
    return sorted({one for one in keys if keys.count(one) > 1})


def steps_of(plan: State) -> int:
    """Return how many write calls a plan makes."""
    calls: dict[int, int] = {}
    for change in plan["changes"]:
        calls[change["step"]] = max(calls.get(change["step"], 0), change["calls"])
    return sum(calls.values())


def has_manual(ran: Ran) -> bool:
    """Tell whether a step was left to a person."""
    return any(one["action"] == "manual" for one in ran.json.get("outcomes", ()))
