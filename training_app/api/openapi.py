"""The OpenAPI 3.1 document, made of the models that check what comes in."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from training_app.api import schemas
from training_app.api.schemas import AuthorisationQuery

VERSION = "1"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@cache
def document() -> dict[str, Any]:
    """Return the document; the same for everybody."""
    _refs, made = models_json_schema(
        [
            (schemas.Batch, "validation"), (schemas.Authorisation, "serialization"),
            (schemas.BatchOut, "serialization"), (schemas.Problem, "serialization"),
        ],
        ref_template="#/components/schemas/{model}",
    )  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {"title": "Dispatch", "version": VERSION, "description": "May this person be sent to this job."},
        "security": [{"token": []}],
        "paths": {
            "/api/v1/permits/{number}/authorisation": {
                "get": {
                    "operationId": "authorisation", "summary": "May this person be sent",
                    "parameters": [
                        {
                            "name": "number", "in": "path", "required": True, "schema": {"type": "string"},
                            "description": "The number of the permit, such as P-4821-7390-0.",
                        },
                        *_query(),
                    ],
                    "responses": _answers("Authorisation", 400, 401, 403, 404, 422, 429),
                }
            },
            "/api/v1/authorisations": {
                "post": {
                    "operationId": "authorisations", "summary": "Up to 10,000 questions at once",
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Batch"}}},
                    },
                    "responses": _answers("BatchOut", 400, 401, 403, 413, 415, 422, 429),
                }
            },
        },
        "components": {
            "schemas": made["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def _query() -> list[dict[str, Any]]:
    said = AuthorisationQuery.model_json_schema()["properties"]
    return [
        {
            "name": name, "in": "query", "required": False, "description": one.get("description", ""),
            "schema": {key: value for key, value in one["anyOf"][0].items() if key != "description"},
        }
        for name, one in said.items()
    ]  # fmt: skip


def _answers(model: str, *errors: int) -> dict[str, Any]:
    good = {"application/json": {"schema": {"$ref": f"#/components/schemas/{model}"}}}
    return {
        "200": {"description": "The answer", "content": good},
        **{str(status): {"description": "See the code", "content": _PROBLEM} for status in errors},
    }
