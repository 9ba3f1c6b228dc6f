"""Make a plan for a command: choose what is wanted, read what is live, compare."""

from __future__ import annotations

from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

import reconciler
from reconciler.cli.git import desired_state_at, head_commit
from reconciler.cli.workspace import Workspace, agreement_rules, kinds_of, with_models
from reconciler.core.diagnostic import Diagnostic
from reconciler.core.errors import InvalidInput
from reconciler.core.going_back import desired_from
from reconciler.core.guard import Consent
from reconciler.core.identity import overlap_of
from reconciler.core.rotating import refuse_rotation, retiring, rotated_with
from reconciler.core.undoing import wanted_by
from reconciler.engine.planning import Request, make_plan
from reconciler.files.suggestions import suggestion
from reconciler.stores.runs import secrets_put, touched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.core.plan import Plan
    from reconciler.core.state import DesiredState, Snapshot
    from reconciler.files.loading import Loaded
    from reconciler.stores.records import Records


class Wish(NamedTuple):
    """What the command line asks of a plan.

    ``to`` is a snapshot or label, ``at`` a Git revision, ``undo`` a run to take back; ``rotate`` an address that is
    to get a new secret, ``retire`` one whose old object is to go after that.
    """

    environment: str
    to: str | None = None
    at: str | None = None
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    allow_replace: tuple[str, ...] = ()
    allow_delete: tuple[str, ...] = ()
    prune: bool = False
    offline: bool = False
    undo: str | None = None
    rotate: str | None = None
    retire: str | None = None

    def selects(self, address: str) -> bool:
        """Tell whether ``--only`` and ``--exclude`` leave ``address`` in."""
        wanted = not self.only or any(fnmatchcase(address, glob) for glob in self.only)
        return wanted and not any(fnmatchcase(address, glob) for glob in self.exclude)


class Proposal(NamedTuple):
    """A plan, and the state it was made for."""

    plan: Plan
    loaded: Loaded
    desired: DesiredState
    live: Snapshot


@contextmanager
def proposed(workspace: Workspace, wish: Wish) -> Iterator[Proposal]:
    """Make the plan that ``wish`` asks for. Reads only."""
    store = workspace.store(wish.environment)
    loaded, desired = _wanted(workspace, wish, store)
    base = store.base()
    _refuse_empty_selection(wish, desired, base)
    kinds = kinds_of(desired, base, loaded.settings)
    desired = desired._replace(models=with_models(desired, kinds))
    if wish.offline:
        yield _offline(workspace, wish, loaded, desired, base)
        return
    with workspace.sessions(loaded, kinds, writes=False) as sessions:
        live = workspace.look(desired, sessions, base)
        request = _request(workspace, wish, loaded)._replace(secrets=workspace.secrets(loaded))
        plan = make_plan(desired, live.snapshot, live.base, sessions, request)
        yield Proposal(plan, loaded, desired, live.snapshot)


def _refuse_empty_selection(wish: Wish, desired: DesiredState, base: Snapshot | None) -> None:
    """A glob that matches nothing would say "no changes" of everything. Raises InvalidInput."""
    known = {item.address for item in desired.resources}
    known |= set(base.by_address()) if base is not None else set()
    for glob in wish.only:
        if not any(fnmatchcase(address, glob) for address in known):
            near = sorted(address for address in known if glob.strip("*") in address)[:3]
            hint = (
                f"Did you mean '*{glob.strip('*')}*'? It matches {', '.join(near)}." if near else ""
            )
            raise InvalidInput(
                [Diagnostic(summary=f"--only {glob} matches no resource", detail=hint)]
            )


def _wanted(workspace: Workspace, wish: Wish, store: Records) -> tuple[Loaded, DesiredState]:
    """Return the files, and the desired state: theirs, those of a Git revision, or a snapshot."""
    if wish.to is not None and wish.at is not None:
        raise InvalidInput([Diagnostic(summary="--to and --at cannot be used together")])
    if wish.at is not None:
        with desired_state_at(workspace.root, wish.at) as (root, commit):
            loaded = workspace.load(wish.environment, root)
        # What is revoked today is revoked, whatever the files said then.
        loaded = loaded._replace(revoked=workspace.load_environment(wish.environment).revoked)
        return loaded, loaded.desired._replace(source=f"files at {wish.at}", git_commit=commit)
    if wish.undo is not None:
        loaded = workspace.load_as_far_as_readable(wish.environment)
        undo = store.run_undo(wish.undo)
        kinds = tuple(sorted({change.kind for change in undo.changes}))
        records = store.journal(wish.undo)
        wanted = wanted_by(undo, with_models(loaded.desired, kinds), touched(records))
        return loaded, wanted._replace(places=secrets_put(records))
    if wish.to is None:
        loaded = workspace.load(wish.environment)
        desired = loaded.desired._replace(git_commit=head_commit(workspace.root))
        return _rotated(wish, loaded, desired, store)
    loaded = workspace.load_as_far_as_readable(wish.environment)
    snapshot = store.load(wish.to)
    kinds = tuple(sorted({entry.kind for entry in snapshot.entries}))
    captures = {item.address: item.capture for item in loaded.desired.resources}
    label = f" ({snapshot.label})" if snapshot.label else ""
    desired = desired_from(
        snapshot,
        with_models(loaded.desired, kinds),
        source=f"snapshot {snapshot.id}{label}",
        captures=captures,
    )
    return loaded, desired


def _rotated(
    wish: Wish, loaded: Loaded, desired: DesiredState, store: Records
) -> tuple[Loaded, DesiredState]:
    """Return both as a rotation wants them; as they are where nothing is rotated. Raises InvalidInput, Refused."""
    address = wish.rotate or wish.retire
    if address is None:
        return loaded, desired
    item = next((one for one in desired.resources if one.address == address), None)
    if item is None:
        known = [one.address for one in desired.resources]
        hint = suggestion(address, known)
        raise InvalidInput([Diagnostic(summary=f"{address} is not declared", detail=hint)])
    if wish.retire is not None:
        return loaded, retiring(desired, address, store.base())
    refuse_rotation(item, desired.models[item.kind], store.base(), wish.environment)
    return with_proof(loaded, address), desired


def with_proof(loaded: Loaded, address: str) -> Loaded:
    """Return ``loaded`` with a signed probe of an endpoint among its checks, unless there is one."""
    from reconciler.files.environment import Check, WebhookCheck

    item = next((one for one in loaded.desired.resources if one.address == address), None)
    place = dict(item.capture).get("secret") if item is not None else None
    checks = loaded.environment.checks
    is_probed = any(one.webhook is not None and one.webhook.endpoint == address for one in checks)
    if place is None or is_probed or not address.startswith("stripe.webhook_endpoint/"):
        return loaded
    probe = WebhookCheck(endpoint=address, secret=place)
    wider = (*checks, Check(name=f"signed probe of {address}", webhook=probe))
    return loaded._replace(environment=loaded.environment.model_copy(update={"checks": wider}))


def _goes_back(workspace: Workspace, wish: Wish) -> bool:
    """Tell whether the plan undoes a run, or goes to a snapshot that was labelled good."""
    if wish.undo is not None:
        return True
    if wish.to is None:
        return False
    store = workspace.store(wish.environment)
    label = store.load(wish.to).label
    return label is not None and label.startswith("good")


def _offline(
    workspace: Workspace,
    wish: Wish,
    loaded: Loaded,
    desired: DesiredState,
    base: Snapshot | None,
) -> Proposal:
    """Compare with the last snapshot instead of the live state: as of then, and never to be applied."""
    if base is None:
        raise InvalidInput(
            [
                Diagnostic(
                    summary="There is no snapshot to compare with",
                    mend=f"reconciler snapshot {wish.environment}",
                )
            ]
        )
    plan = make_plan(desired, base, base, {}, _request(workspace, wish, loaded))
    return Proposal(plan, loaded, desired, base)


def _request(workspace: Workspace, wish: Wish, loaded: Loaded) -> Request:
    wish = _agreeing_to_itself(wish)
    return Request(
        id=workspace.new_id(),
        now=workspace.clock.now(),
        tool_version=reconciler.__version__,
        policy=loaded.environment.policy,
        consent=Consent(frozenset(wish.allow_replace), frozenset(wish.allow_delete)),
        protected=loaded.environment.protected,
        prune=wish.prune,
        offline=wish.offline,
        going_back=_goes_back(workspace, wish),
        freeze=workspace.store(wish.environment).freeze(),
        revoked=loaded.revoked,
        rules=agreement_rules(loaded),
        selected=_selection(wish, loaded),
        rotating=frozenset({wish.rotate} if wish.rotate is not None else ()),
        place=loaded.locate,
    )


def _agreeing_to_itself(wish: Wish) -> Wish:
    """A rotation names on the command line what it replaces, and later what it retires."""
    if wish.rotate is not None:
        return wish._replace(allow_replace=(*wish.allow_replace, wish.rotate))
    if wish.retire is not None:
        return wish._replace(allow_delete=(*wish.allow_delete, overlap_of(wish.retire)))
    return wish


def _selection(wish: Wish, loaded: Loaded) -> Callable[[str], bool]:
    """Return which addresses the plan is about: a rotation is about nothing else."""
    if wish.rotate is not None:
        wanted = rotated_with(loaded.desired, wish.rotate)
        return lambda address: address in wanted
    if wish.retire is not None:
        old = overlap_of(wish.retire)
        return lambda address: address == old
    return wish.selects
