"""The control server: look at what was received, change state, ask for faults."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from reconciler.sandbox.faults import Fault

if TYPE_CHECKING:
    from starlette.requests import Request

    from reconciler.sandbox.vendor import State, Vendor
    from reconciler.sandbox.world import World

_FAULTS: TypeAdapter[Fault | list[Fault]] = TypeAdapter(Fault | list[Fault])


class Control:
    """The operations of the control server on one world."""

    def __init__(self, world: World, vendors: dict[str, Vendor]) -> None:
        self._world = world
        self._vendors = vendors

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/requests", self.list_requests, methods=["GET"]),
                Route("/requests", self.clear_requests, methods=["DELETE"]),
                Route("/reset", self.reset, methods=["POST"]),
                Route("/faults", self.list_faults, methods=["GET"]),
                Route("/faults", self.add_faults, methods=["POST"]),
                Route("/faults", self.clear_faults, methods=["DELETE"]),
                Route("/state/{vendor}", self.read_state, methods=["GET"]),
                Route("/state/{vendor}", self.replace_state, methods=["PUT"]),
            ],
            exception_handlers={HTTPException: _refuse},
        )

    async def list_requests(self, _: Request) -> JSONResponse:
        return JSONResponse(self._world.requests)

    async def clear_requests(self, _: Request) -> JSONResponse:
        self._world.requests.clear()
        return JSONResponse({"requests": 0})

    async def reset(self, _: Request) -> JSONResponse:
        self._world.reset()
        return JSONResponse({"reset": sorted(self._vendors)})

    async def list_faults(self, _: Request) -> JSONResponse:
        return JSONResponse(self._faults())

    async def add_faults(self, request: Request) -> JSONResponse:
        """Add one rule or a list of rules, in order, after those in force."""
        try:
            given = _FAULTS.validate_json(await request.body())
        except ValidationError as error:
            raise HTTPException(HTTPStatus.BAD_REQUEST, _first_problem(error)) from error
        for fault in given if isinstance(given, list) else [given]:
            self._world.faults.add(fault)
        return JSONResponse(self._faults(), HTTPStatus.CREATED)

    async def clear_faults(self, _: Request) -> JSONResponse:
        self._world.faults.clear()
        self._world.stale.clear()
        return JSONResponse([])

    async def read_state(self, request: Request) -> JSONResponse:
        return JSONResponse(self._world.states[self._vendor(request).name])

    async def replace_state(self, request: Request) -> JSONResponse:
        """Replace the whole state; what is left out of it is empty."""
        vendor = self._vendor(request)
        try:
            given: object = json.loads(await request.body())
        except ValueError as error:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the state is not JSON") from error
        if not isinstance(given, dict):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the state is not an object")
        state: State = {**vendor.blank(), **given}
        self._world.replace_state(vendor.name, state)
        return JSONResponse(state)

    def _vendor(self, request: Request) -> Vendor:
        name = request.path_params["vendor"]
        vendor = self._vendors.get(name)
        if vendor is None:
            known = ", ".join(self._vendors)
            raise HTTPException(HTTPStatus.NOT_FOUND, f"no vendor {name!r}; there is {known}")
        return vendor

    def _faults(self) -> list[dict[str, Any]]:
        return [
            {**fault.model_dump(exclude_unset=True), "seen": seen}
            for fault, seen in self._world.faults.rules
        ]


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[-1]
    place = ".".join(str(part) for part in problem["loc"][1:])
    return f"{place}: {problem['msg']}" if place else problem["msg"]


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else ""
    return JSONResponse({"error": {"message": detail}}, status)
