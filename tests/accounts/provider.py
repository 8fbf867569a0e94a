"""A small provider of OpenID Connect on this machine: it believes whoever it is told to, and is strict with clients."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "console", "a secret between two"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Provider:
    """What it says, which a test may change; and what it was asked."""

    address: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=dict)
    """What the token says otherwise than it should."""
    answer: str = "sign in"
    """What the person does there: sign in, or cancel."""
    is_broken: bool = False
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def begin(self, claims: dict[str, Any]) -> None:
        """Forget what was before, at the same address."""
        vars(self).update(vars(Provider(address=self.address, claims=claims)))

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "userinfo_endpoint": f"{self.address}/userinfo",
            "jwks_uri": f"{self.address}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the person is sent back to."""
        assert (query["client_id"], query["response_type"]) == (CLIENT, "code")
        assert query["code_challenge_method"] == "S256"
        if self.answer == "cancel":
            return f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def redeem(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The tokens for a code: once, for the client that proves that it asked."""
        query = self.codes.pop(form.get("code", ""), None)
        if query is None or (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return None
        digest = sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query["code_challenge"]
        assert form["redirect_uri"] == query["redirect_uri"]
        now = int(time.time())
        said = {"iss": self.address, "aud": CLIENT, "sub": "4711", "iat": now, "exp": now + 60} | self.token
        signed = jwt.encode(said, KEY, algorithm="RS256", headers={"kid": "one"})
        return {"access_token": "of Sara", "token_type": "Bearer", "id_token": signed}


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.provider.asked.append(url.path)
        if self.provider.is_broken:
            self._say(b"<html>Out of order</html>", "text/html")
        elif url.path == "/.well-known/openid-configuration":
            self._json(self.provider.configuration())
        elif url.path == "/authorize":
            there = self.provider.authorize({name: values[0] for name, values in parse_qs(url.query).items()})
            self.send_response(302)
            self.send_header("Location", there)
            self.end_headers()
        elif url.path == "/userinfo" and self.headers["Authorization"] == "Bearer of Sara":
            self._json({"sub": "4711"} | self.provider.claims)
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        self.provider.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        answer = self.provider.redeem(dict(parse_qsl(body)))
        if answer is None:
            self.send_error(400)
        else:
            self._json(answer)

    def _json(self, value: Any) -> None:
        self._say(json.dumps(value).encode(), "application/json")

    def _say(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  The library calls it so.
        """Quiet."""


@contextlib.contextmanager
def running() -> Iterator[Provider]:
    """A provider that answers as long as this lasts."""
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        provider.address = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield provider
        server.shutdown()
