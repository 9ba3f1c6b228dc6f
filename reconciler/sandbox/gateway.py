"""The path of every vendor request: log, fault, credential, limit, operation, answer.

One for all vendors. Whatever depends on a vendor is asked of its ``Vendor``.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import fnmatch
import hashlib
import json
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from reconciler.sandbox.faults import READS, Fault, emptied
from reconciler.sandbox.rate import take
from reconciler.sandbox.vendor import Call, Empty, Refused, Reply, Route, State, Vendor
from reconciler.sandbox.world import Access, StaleReads, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send


class Gateway:
    """The ASGI application of one vendor."""

    def __init__(
        self,
        vendor: Vendor,
        world: World,
        latency: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vendor = vendor
        self._world = world
        self._latency = latency
        self._clock = clock
        self._routes = tuple((_pattern(route.template), route) for route in vendor.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        method, path = request.method, request.scope["path"]
        entry = self._world.begin(self._vendor.name, method, path, _query(request))
        number = self._world.served
        fault = self._world.faults.strike(self._vendor.name, method, path)

        late = fault is not None and (fault.after_effect or fault.drop == "after")
        await _wait(self._latency + (fault.delay if fault and not late else 0.0))
        reply = self._reply(request, body, fault)
        if fault is not None and late:
            await _wait(fault.delay)

        if fault is not None and fault.drop is not None:
            await _hang_up(request, receive)
            return
        entry["status"] = reply.status
        await _response(reply, self._vendor.headers(request.headers, number))(scope, receive, send)

    def _reply(self, request: Request, body: bytes, fault: Fault | None) -> Reply:
        """Return the answer after the fault, having changed the state as far as it lets."""
        if fault is not None and fault.prevents:
            return self._altered(self._vendor.failure(fault.status or 500), fault)
        call_or_reply = self._opened(request, body)
        if isinstance(call_or_reply, Reply):
            return call_or_reply if fault is None else self._altered(call_or_reply, fault)
        access, route, call = call_or_reply
        return self._carried_out(access, route, call, fault)

    def _opened(self, request: Request, body: bytes) -> tuple[Access, Route, Call] | Reply:
        """Return the account, operation and call, or the refusal."""
        vendor, method, path = self._vendor, request.method, request.scope["path"]
        headers = {name.lower(): value for name, value in request.headers.items()}
        credential = vendor.credential(headers)
        access = self._world.access(vendor, credential)
        if access is None or credential is None:
            return vendor.unauthorized(credential)
        wait = self._rate_wait(access)
        if wait > 0:
            return vendor.rate_limited(wait, float(access.state["rate_limit"]))
        found = self._route(method, path)
        if found is None:
            return vendor.unknown_path(method, path)
        route, params = found
        if route.permission is not None and not _allows(access, route.permission):
            return vendor.forbidden(route.permission, credential, access.state)
        call = Call(
            method=method,
            path=path,
            params=params,
            query=tuple(parse_qsl(_query(request), keep_blank_values=True)),
            headers=headers,
            body=body,
            state=access.state,
            credential=credential,
            now=time.time(),
            around={
                name: self._world.states[name]
                for name in vendor.neighbours
                if name in self._world.states
            },
        )
        return access, route, call

    def _rate_wait(self, access: Access) -> float:
        rate = access.state.get("rate_limit")
        if not rate:
            return 0.0
        key = (self._vendor.name, access.key)
        taken = take(self._world.buckets.get(key), float(rate), self._clock())
        self._world.buckets[key] = taken.bucket
        return taken.wait

    def _route(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        for pattern, route in self._routes:
            match = pattern.fullmatch(path) if route.method == method else None
            if match is not None:
                return route, match.groupdict()
        return None

    def _carried_out(self, access: Access, route: Route, call: Call, fault: Fault | None) -> Reply:
        key = (self._vendor.name, access.key)
        is_read = call.method in READS
        if fault is not None and fault.stale is not None and key not in self._world.stale:
            before = copy.deepcopy(access.state)
            self._world.stale[key] = StaleReads(before, fault.stale, fault.reads)
        if is_read:
            call = dataclasses.replace(call, state=self._read_state(key, call))
        if fault is not None and fault.no_effect:
            call = dataclasses.replace(call, state=copy.deepcopy(call.state))

        remembered = self._remembered(call)
        if remembered is not None:
            return remembered if fault is None else self._altered(remembered, fault)
        reply = _answer(route, call)
        if fault is not None and fault.skip_page is not None and is_read:
            reply = self._without_page(route, call, reply, fault.skip_page)
        answered = reply if fault is None else self._altered(reply, fault)
        if reply.status < 300:
            self._remember(call, reply if fault is not None and fault.drop else answered)
        return answered

    def _altered(self, reply: Reply, fault: Fault) -> Reply:
        """Return the answer as the fault has it; an error never carries what succeeded."""
        status = reply.status if fault.status is None else fault.status
        is_new_error = status >= 400 and reply.status < 400
        body = self._vendor.failure(status).body if is_new_error else reply.body
        given: object = fault.body if fault.has_body else body
        return Reply(status, given, {**reply.headers, **fault.headers})

    def _read_state(self, key: tuple[str, str], call: Call) -> State:
        stale = self._world.stale.get(key)
        if stale is None or not fnmatch.fnmatchcase(call.path, stale.paths):
            return call.state
        stale.left -= 1
        if stale.left <= 0:
            del self._world.stale[key]
        return stale.state

    def _without_page(self, route: Route, call: Call, reply: Reply, missing: int) -> Reply:
        """Answer the page after it, or an empty last page, when the missing one is asked for."""
        scratch = dataclasses.replace(call, state=copy.deepcopy(call.state))
        cursors = self._vendor.cursors
        query = {name: value for name, value in call.arguments.items() if name not in cursors}
        for _ in range(missing - 1):
            page = _answer(route, dataclasses.replace(scratch, query=tuple(query.items())))
            following = self._vendor.next_page(page.body)
            if following is None:
                return reply
            query |= following
        if query != call.arguments:
            return reply
        following = self._vendor.next_page(reply.body)
        if following is None:
            return dataclasses.replace(reply, body=emptied(reply.body))
        return _answer(
            route, dataclasses.replace(scratch, query=tuple((query | dict(following)).items()))
        )

    def _remembered(self, call: Call) -> Reply | None:
        """Return the stored answer of a retried write, or the refusal of a reused key."""
        rule = self._vendor.idempotency
        if rule is None or call.method not in rule.methods or rule.header not in call.headers:
            return None
        stored = call.state.get("idempotency", {}).get(call.headers[rule.header])
        if stored is None:
            return None
        if stored["request"] != _digest(call):
            return rule.conflict(call.headers[rule.header])
        return Reply(stored["status"], stored["body"], rule.replay_headers)

    def _remember(self, call: Call, reply: Reply) -> None:
        rule = self._vendor.idempotency
        if rule is None or call.method not in rule.methods or rule.header not in call.headers:
            return
        call.state.setdefault("idempotency", {})[call.headers[rule.header]] = {
            "request": _digest(call),
            "status": reply.status,
            "body": reply.body,
        }


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))


def _allows(access: Access, permission: str) -> bool:
    """Whether a credential has a permission; the right to write includes the right to read."""
    if access.permissions is None:
        return True
    wider = f"{permission.removesuffix('read')}write" if permission.endswith("read") else permission
    return bool({permission, wider} & access.permissions)


def _answer(route: Route, call: Call) -> Reply:
    try:
        return route.handler(call)
    except Refused as refusal:
        return refusal.reply


def _query(request: Request) -> str:
    raw: bytes = request.scope["query_string"]
    return raw.decode("latin-1")


def _digest(call: Call) -> str:
    text = b"\n".join((call.method.encode(), call.path.encode(), call.body))
    return hashlib.sha256(text).hexdigest()


def _response(reply: Reply, headers: object) -> Response:
    merged = {**dict(headers), **reply.headers}  # type: ignore[call-overload]
    if reply.body is Empty.BODY:
        return Response(status_code=reply.status, headers=merged)
    content = json.dumps(reply.body, separators=(",", ":"), ensure_ascii=False)
    return Response(content, reply.status, merged, media_type="application/json")


async def _wait(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)


async def _hang_up(request: Request, receive: Receive) -> None:
    """Close the connection and wait until the server has noticed."""
    transport: asyncio.Transport = request.state.transport
    transport.abort()
    await receive()
