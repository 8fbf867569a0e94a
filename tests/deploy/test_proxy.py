"""Does nginx tell the console what the console believes, whatever the client says? (In the real nginx.)"""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ROOT, Program, free_port

CONF = ROOT / "deploy" / "nginx" / "console.conf"
TOLD = {"Host": "$http_host", "X-Forwarded-Proto": "$scheme", "X-Forwarded-For": "$remote_addr"}
FORGED = {
    "X-Forwarded-Proto": "http",
    "X-Forwarded-For": "192.0.2.99",
    "X-Forwarded-Host": "evil.example.org",
    "Host": "console.example.org",
}


def test_each_place_that_passes_on_says_everything_itself() -> None:
    """A location that sets one header inherits none from the server around it."""
    places = re.findall(r"location [^{]+\{(.*?)\}", CONF.read_text(), re.DOTALL)

    assert len(places) == 2
    for place in places:
        assert "proxy_pass" in place
        assert dict(re.findall(r"proxy_set_header (\S+) (\S+);", place)).items() >= TOLD.items()


UNVERIFIED = ssl._create_unverified_context()  # noqa: S323  The certificate is made by the test.


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that it was asked with."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("X-Request-ID", "0123456789abcdef")
        self.end_headers()
        self.wfile.write("".join(f"{name.title()}: {value}\n" for name, value in self.headers.items()).encode())

    def log_message(self, *_: Any) -> None:
        """Not to the console."""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """nginx as it is shipped, on ports of this test, in front of something that repeats what it hears; its log."""
    nginx, openssl = shutil.which("nginx", path="/usr/sbin:/usr/bin"), shutil.which("openssl")
    if nginx is None or openssl is None:
        pytest.skip("needs nginx and openssl")
    certificate = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem")]
    subprocess.run([openssl, *certificate.split(), *files], check=True, capture_output=True)
    echo = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    plain, secure, log = free_port(), free_port(), tmp_path / "access.log"
    text = CONF.read_text().replace("listen 80;", f"listen 127.0.0.1:{plain};")
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{secure} ssl").replace(
        "/etc/nginx/certificates", str(tmp_path)
    )
    text = text.replace("/var/log/nginx/access.log", str(log))
    processes = f"upstream echo {{ server 127.0.0.1:{echo.server_port}; }} map '' $console {{ default echo; }}"
    temporary = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi"))
    temporary += " ".join(f" {kind}_temp_path {tmp_path}/{kind};" for kind in ("uwsgi", "scgi"))
    head = f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}"
    (tmp_path / "nginx.conf").write_text(f"{head} http {{ access_log off; {temporary} {processes} {text} }}")

    def is_ready() -> bool:
        return (tmp_path / "pid").exists() and bool((tmp_path / "pid").read_text().strip())

    program = Program([nginx, "-c", tmp_path / "nginx.conf", "-p", tmp_path], tmp_path / "nginx.log", is_ready)
    program.start()
    yield f"https://127.0.0.1:{secure}", log
    program.end()
    echo.shutdown()


def heard(url: str, **headers: str) -> dict[str, str]:
    """What the console would hear of a request."""
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, context=UNVERIFIED, timeout=5) as answer:
        return dict(line.split(": ", 1) for line in answer.read().decode().splitlines())


def written(log: Path) -> str:
    """The line of a request, which comes after its answer."""
    deadline = time.monotonic() + 10
    while not (log.exists() and log.read_text()):
        assert time.monotonic() < deadline, "nginx wrote nothing"
        time.sleep(0.02)
    return log.read_text()


@pytest.mark.parametrize("path", ["/chat/", "/ws/console/"])
def test_what_a_client_says_of_itself_is_not_passed_on(proxy: tuple[str, Path], path: str) -> None:
    address, log = proxy

    told = heard(address + path + "?q=Mrs+Novak", **FORGED)

    assert told["Host"] == "console.example.org"
    assert told["X-Forwarded-Proto"] == "https"
    assert told["X-Forwarded-For"] == "127.0.0.1"
    line = written(log)
    assert "request=0123456789abcdef" in line
    assert "Novak" not in line


def test_a_socket_is_passed_on_as_one_and_nothing_else_is(proxy: tuple[str, Path]) -> None:
    address, _log = proxy

    assert heard(f"{address}/ws/console/", Upgrade="websocket", Connection="upgrade")["Upgrade"] == "websocket"
    assert "Upgrade" not in heard(f"{address}/chat/", Upgrade="websocket", Connection="upgrade")
