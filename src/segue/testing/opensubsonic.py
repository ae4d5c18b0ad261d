"""Hold any server's OpenSubsonic answers to the published specification, more tightly than its schemas do.

The OpenAPI files of opensubsonic/open-subsonic-api accept ``{}`` for every answer (``subsonic-response`` is not required) and reject no
unknown key. This harness therefore requires the envelope, resolves the schema of the call's successful answer, validates against it,
and compares the keys it saw with the properties the schema names: an unknown key is a fault unless the caller allows it.

Use, for any server::

    spec = Specification(Path("specs/opensubsonic/openapi"))
    faults = spec.faults("getAlbum", answer)   # answer: the decoded JSON
"""

import json
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ENVELOPE = ("status", "version", "type", "serverVersion", "openSubsonic")


class Specification:
    """The OpenAPI description in a folder: ``openapi.json``, ``endpoints/``, ``schemas/``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read = cache(lambda path: json.loads(path.read_text("utf-8")))

    @cached_property
    def endpoints(self) -> frozenset[str]:
        """Every call the specification names."""
        return frozenset(path.removeprefix("/rest/") for path in self._read(self.folder / "openapi.json")["paths"])

    def faults(self, endpoint: str, answer: Any, *, allow: frozenset[str] = frozenset()) -> list[str]:
        """What is wrong with a JSON answer to ``endpoint``; empty when it conforms.

        ``allow`` names dotted keys that may be there beyond the specification. A failed answer is held to the error's schema.
        """
        if not isinstance(answer, dict) or set(answer) != {"subsonic-response"}:
            return ["the answer is not one object with the key subsonic-response"]
        body = answer["subsonic-response"]
        faults = [f"{key} is missing from the envelope" for key in ENVELOPE if key not in body]
        if body.get("openSubsonic") is not True:
            faults.append("openSubsonic is not true")
        if body.get("status") == "failed":
            error = self.folder / "schemas" / "Error.json"
            return faults + list(self._check(body.get("error"), self._read(error), error, "error", allow))
        if body.get("status") != "ok":
            return [*faults, f"status is {body.get('status')!r}"]
        schema, where = self._success(endpoint)
        return faults + list(self._check(body, schema, where, "", allow))

    def _success(self, endpoint: str) -> tuple[Any, Path]:
        """The schema of ``subsonic-response`` in the successful answer of a call, and the file it stands in."""
        where = self.folder / "endpoints" / f"{endpoint}.json"
        content = self._read(where)["get"]["responses"]["200"]
        content, where = self._follow(content, where)
        schema, where = self._follow(content["content"]["application/json"]["schema"], where)
        envelope, where = self._follow(schema["properties"]["subsonic-response"], where)
        for option in envelope.get("oneOf", [envelope]):
            resolved, there = self._follow(option, where)
            if "ailure" not in there.name:
                return resolved, there
        raise LookupError(f"{endpoint} has no successful answer in the specification")

    def _follow(self, schema: Any, where: Path) -> tuple[Any, Path]:
        while "$ref" in schema:
            reference, _, pointer = schema["$ref"].partition("#")
            where = (where.parent / reference).resolve() if reference else where
            schema = self._read(where)
            for part in filter(None, pointer.split("/")):
                schema = schema[part]
        return schema, where

    def _merged(self, schema: Any, where: Path) -> tuple[dict[str, tuple[Any, Path]], set[str], list[tuple[Any, Path]]]:
        """Properties (with the file each stands in), required keys, and leaf schemas of a schema with its ``allOf`` folded in."""
        schema, where = self._follow(schema, where)
        properties = {key: (value, where) for key, value in schema.get("properties", {}).items()}
        required, leaves = set(schema.get("required", ())), [(schema, where)]
        for part in schema.get("allOf", ()):
            inner, needed, more = self._merged(part, where)
            properties |= inner
            required |= needed
            leaves += more
        return properties, required, leaves

    def _check(self, value: Any, schema: Any, where: Path, path: str, allow: frozenset[str]) -> Any:
        properties, required, leaves = self._merged(schema, where)
        kinds = {leaf["type"] for leaf, _ in leaves if "type" in leaf} or ({"object"} if properties else set())
        if kinds and not any(_is(value, kind) for kind in kinds):
            yield f"{path or 'answer'} is {type(value).__name__}, not {' or '.join(sorted(kinds))}"
            return
        for leaf, _ in leaves:
            if "enum" in leaf and value not in leaf["enum"]:
                yield f"{path} is {value!r}, not one of {leaf['enum']}"
        if isinstance(value, dict) and properties:
            for key in sorted(required - set(value)):
                yield f"{_join(path, key)} is required and missing"
            for key, inner in value.items():
                here = _join(path, key)
                if key in properties:
                    yield from self._check(inner, *properties[key], here, allow)
                elif here not in allow:
                    yield f"{here} is not in the specification"
        if isinstance(value, list):
            items = next(((leaf["items"], there) for leaf, there in leaves if "items" in leaf), None)
            for one in value if items is not None else ():
                assert items is not None
                yield from self._check(one, items[0], items[1], path, allow)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _is(value: Any, kind: str) -> bool:
    return kind == "boolean" if isinstance(value, bool) else isinstance(value, _TYPES[kind])
