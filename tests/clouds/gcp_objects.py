"""Objects in buckets of the stand-in: what keeps a Terraform state and its lock.

A change names the generation that it saw; generation 0 is one that is not there yet. That is all a lock is.
"""

import base64
import email
import email.policy
import hashlib
import json
from dataclasses import dataclass

from tests.clouds.gcp_cloud import ApiError, GoogleCloud, Json, not_found


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is no JSON."""

    content: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects by `o/BUCKET/NAME`; buckets have to exist."""

    cloud: GoogleCloud

    def upload(self, bucket: str, query: Json, payload: bytes, content_type: str) -> Json:
        """Writes an object that comes whole, with what is said of it before it (multipart/related)."""
        head = f"Content-Type: {content_type}\r\n\r\n".encode()
        said, content = email.message_from_bytes(head + payload, policy=email.policy.HTTP).iter_parts()
        name = query.get("name") or json.loads(said.get_content())["name"]
        self._check(bucket, name, query)
        return self.write(bucket, name, bytes(content.get_payload(decode=True)))

    def write(self, bucket: str, name: str, content: bytes) -> Json:
        """Writes an object, whatever was there."""
        made = self._object(bucket, name, content)
        self.cloud.resources[f"o/{bucket}/{name}"] = made
        return _shown(made)

    def copy(self, bucket: str, name: str, there: str, copied: str) -> Json:
        """Writes what an object holds to another."""
        made = self.write(there, copied, base64.b64decode(self._existing(bucket, name)["_content"]))
        return {"kind": "storage#rewriteResponse", "done": True, "resource": made}

    def read(self, bucket: str, name: str) -> Raw:
        """An object's content."""
        found = self._existing(bucket, name)
        generation = {"X-Goog-Generation": found["generation"], "X-Goog-Metageneration": "1"}
        return Raw(base64.b64decode(found["_content"]), {"Content-Type": "application/json", **generation})

    def answer(self, method: str, bucket: str, name: str, query: Json) -> Json | Raw:
        """What is known of one object, or its end."""
        found = self._existing(bucket, name)
        if method == "DELETE":
            self._check(bucket, name, query)
            del self.cloud.resources[f"o/{bucket}/{name}"]
            return {}
        return self.read(bucket, name) if query.get("alt") == "media" else _shown(found)

    def listed(self, bucket: str, query: Json) -> Json:
        """Objects whose names begin with a prefix; what lies below a delimiter by its common beginning."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        items, below = [], set()
        for path, body in sorted(self.cloud.resources.items()):
            name = path.removeprefix(f"o/{bucket}/")
            if name == path or not name.startswith(prefix):
                continue
            head, found, _ = name[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if found:
                below.add(f"{prefix}{head}{delimiter}")
            else:
                items.append(_shown(body))
        return {"items": items, "prefixes": sorted(below)}

    def _object(self, bucket: str, name: str, content: bytes) -> Json:
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        return {
            "kind": "storage#object",
            "bucket": bucket,
            "name": name,
            "generation": str(self.cloud.number()),
            "metageneration": "1",
            "size": str(len(content)),
            "md5Hash": digest,
            "_content": base64.b64encode(content).decode(),
        }

    def _check(self, bucket: str, name: str, query: Json) -> None:
        there = self.cloud.resources.get(f"o/{bucket}/{name}", {}).get("generation", "0")
        if query.get("ifGenerationMatch", there) != there:
            raise ApiError(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")

    def _existing(self, bucket: str, name: str) -> Json:
        path = f"o/{bucket}/{name}"
        if path not in self.cloud.resources:
            raise not_found(path)
        return self.cloud.resources[path]


def _shown(body: Json) -> Json:
    return {name: value for name, value in body.items() if not name.startswith("_")}
