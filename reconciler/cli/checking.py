"""Run an environment's declared checks and show what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reconciler.cli import console
from reconciler.cli.workspace import agreement_rules, with_models
from reconciler.core.agreement import disagreements, sight_of
from reconciler.core.errors import InvalidInput, SecretUnavailable
from reconciler.core.evidence import CheckResult
from reconciler.engine.planning import stamp
from reconciler.files.environment import HttpCheck, TcpCheck, TlsCheck, WebhookCheck
from reconciler.render.escaping import terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from reconciler.cli.workspace import Workspace
    from reconciler.core.ports import Clock, SecretSource
    from reconciler.core.secret import Json
    from reconciler.core.state import Snapshot
    from reconciler.files.environment import Check, Environment
    from reconciler.files.loading import Loaded
    from reconciler.providers.probing import Probe


class Surroundings(NamedTuple):
    """What checks need beyond their own words.

    ``folder`` is what their paths are relative to; ``values_of`` returns the fields of a resource, None when nothing
    is known of it.
    """

    folder: Path
    secrets: SecretSource
    values_of: Callable[[str], Mapping[str, Json] | None]


def run_checks(
    environment: Environment, clock: Clock, around: Surroundings
) -> tuple[CheckResult, ...]:
    """Run the checks of ``environment``, if it has any; each is shown on stderr as it ends."""
    if not environment.checks:
        return ()
    from reconciler.providers.probing import probed

    probes = [_probe(check, around) for check in environment.checks]
    return tuple(_shown(result) for result in probed(probes, clock, console.MASKER))


def agreement_results(
    workspace: Workspace, loaded: Loaded, live: str | None = None, *, only_declared: bool = False
) -> tuple[CheckResult, ...]:
    """Return what does not agree across vendors in the snapshot ``live``, else in the newest; and what does.

    One result for each thing that is wrong, one for each declared invariant that holds. After an apply what is built
    in was said by the plan, as warnings: ``only_declared`` leaves it out.
    """
    store = workspace.store(loaded.environment.environment)
    snapshot = store.load(live) if live is not None else store.base()
    if snapshot is None:
        return ()
    desired = loaded.desired
    kinds = {entry.kind for entry in snapshot.entries}
    wider = desired._replace(models=with_models(desired, kinds))
    rules = agreement_rules(loaded)
    found = tuple(disagreements(sight_of(snapshot, wider, rules), rules.invariants))
    at = stamp(workspace.clock.now())
    wrong = [
        CheckResult(
            name=f"agreement: {one.rule}",
            passed=False,
            detail=f"{one.address} {one.message} (as of {snapshot.header.taken_at})",
            seconds=0,
            at=at,
        )
        for one in found
        if one.rule == "invariant" or not only_declared
    ]
    holding = [
        CheckResult(
            name=one.name, passed=True, detail="it holds", seconds=0, at=snapshot.header.taken_at
        )
        for one in rules.invariants
        if not any(said.message.startswith(f"{one.name}: ") for said in found)
    ]
    return tuple(_shown(result) for result in (*wrong, *holding))


def surroundings(workspace: Workspace, loaded: Loaded, live: str | None = None) -> Surroundings:
    """Return what the checks of an environment need.

    A resource is as the snapshot ``live`` has it, which was taken just now; else as it is declared, else as it was
    last seen.
    """

    def values_of(address: str) -> Mapping[str, Json] | None:
        places = _places(workspace, loaded.environment.environment, live)
        return next((place[address] for place in places if address in place), None)

    return Surroundings(workspace.root, workspace.secrets(loaded), values_of)


def _places(
    workspace: Workspace, environment: str, live: str | None
) -> Iterator[Mapping[str, Mapping[str, Json]]]:
    """Yield the fields of resources by address, the best source first; each is read only when asked for."""
    store = workspace.store(environment)
    if live is not None:
        yield _seen(store.load(live))
    try:
        declared = workspace.load(environment).desired.resources
    except InvalidInput:
        # Checks also follow a rollback, which works with broken files; `validate` is for saying what is wrong.
        declared = ()
    yield {item.address: item.values for item in declared}
    base = store.base()
    if base is not None:
        yield _seen(base)


def _seen(snapshot: Snapshot) -> Mapping[str, Mapping[str, Json]]:
    return {entry.address: entry.values for entry in snapshot.entries if entry.address is not None}


def _shown(result: CheckResult) -> CheckResult:
    word = "passed" if result.passed else "FAILED"
    console.say(terminal(f"check {result.name}: {word} ({result.detail}, {result.seconds} s)"))
    return result


def _probe(check: Check, around: Surroundings) -> Probe:
    """Return what is to be done for a check; an unmade one when something that it needs is missing."""
    from reconciler.providers.probing import Expected, HttpProbe, TcpProbe, TlsProbe, Unmade

    name = check.name
    match check.what:
        case HttpCheck(url=url) if "${" in url:
            return Unmade(name, "its url refers to a secret, and a check sends none")
        case HttpCheck() as http:
            return HttpProbe(
                name,
                http.url,
                http.expect_status,
                _seconds(http.timeout),
                Expected(http.body.path, http.body.equals) if http.body is not None else None,
                _seconds(http.max_latency) if http.max_latency is not None else None,
            )
        case TcpCheck() as tcp:
            return TcpProbe(name, tcp.host, tcp.port, _seconds(tcp.timeout))
        case TlsCheck() as tls:
            ca_file = around.folder / tls.ca_file if tls.ca_file is not None else None
            timeout = _seconds(tls.timeout)
            return TlsProbe(name, tls.host, tls.port, tls.min_days, timeout, ca_file)
        case WebhookCheck() as webhook:
            return _webhook_probe(name, webhook, around)


def _webhook_probe(name: str, check: WebhookCheck, around: Surroundings) -> Probe:
    from reconciler.providers.probing import Unmade, WebhookProbe
    from reconciler.wire.profile import Credential

    values = around.values_of(check.endpoint) or {}
    url = check.url or values.get("url")
    if url is None:
        why = f"{check.endpoint} is neither declared nor in a snapshot, and the check has no url"
        return Unmade(name, why)
    if not isinstance(url, str) or "${" in url:
        return Unmade(name, f"the url of {check.endpoint} is not known yet; the check may give one")
    try:
        secret = around.secrets.resolve(check.secret)
    except SecretUnavailable as error:
        return Unmade(name, " ".join(part for part in (error.summary, error.detail) if part))
    version = values.get("api_version")
    return WebhookProbe(
        name,
        url,
        Credential(secret, check.secret),
        _seconds(check.timeout),
        version if isinstance(version, str) else None,
    )


def _seconds(text: str) -> float:
    """Return the seconds of ``500ms`` or ``5s``."""
    if text.endswith("ms"):
        return float(text.removesuffix("ms")) / 1000
    return float(text.removesuffix("s"))
