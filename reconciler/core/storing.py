"""Where the records of an environment are to live: its snapshots, labels, runs and lock."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, StrictBool, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema

from reconciler.core.record import Record

DEFAULT_DATABASE: Final = "(default)"

Project = Annotated[
    str,
    StringConstraints(pattern=r"^(([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|\$\{.+)$"),
    Field(examples=["shop-prod"]),
]
"""The id of a Google Cloud project; in a file it may begin with a reference."""

Database = Annotated[
    str, StringConstraints(pattern=r"^(\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]|\$\{.+)$")
]
Collection = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,99}$")]


def _needs(schema: dict[str, Any]) -> None:
    """Write into the schema what one key asks of another."""
    schema["allOf"] = [
        {
            "if": {"properties": {"kind": {"const": "firestore"}}, "required": ["kind"]},
            "then": {"required": ["project"]},
        },
        {
            "if": {
                "properties": {"database": {"const": DEFAULT_DATABASE}},
                "required": ["database"],
            },
            "then": {
                "properties": {"accept_default_database": {"const": True}},
                "required": ["accept_default_database"],
            },
        },
    ]


class StoreSettings(Record):
    """Where snapshots, labels, runs and the lock live: in a folder here, or in Firestore for several machines.

    What is said of Firestore under ``kind: local`` is where ``reconciler store copy`` copies to.
    """

    model_config = ConfigDict(json_schema_extra=_needs)

    kind: Literal["local", "firestore"] = Field(
        default="local", description="local: snapshots/ENV in this folder; firestore: shared"
    )
    project: Project | SkipJsonSchema[None] = Field(
        default=None, description="the Google Cloud project of the database"
    )
    database: Database = Field(
        default="reconciler", description="a database of its own, not that of the product"
    )
    collection: Collection = Field(
        default="reconciler", description="under which one document stands for each environment"
    )
    accept_default_database: StrictBool = Field(
        default=False,
        description="needed for the database (default): an import of a whole-database export brings old locks and"
        " runs back there",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.kind == "firestore" and self.project is None:
            raise ValueError("kind: firestore needs a project")
        if self.database == DEFAULT_DATABASE and not self.accept_default_database:
            raise ValueError("the database (default) needs accept_default_database: true")
        return self
