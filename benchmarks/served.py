"""Views of the report through Daphne, each asked in turn with an answer of the same server that contains nothing."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Mapping

from benchmarks.costs import Served
from benchmarks.ground import console_servers, process_in

THROUGH_DAPHNE = ("first page", "page 13", "queue", "search, rare", "sort -wait")
CLIENTS = (1, 8)
ASKED = 24
"""So often a view is asked for, by all clients together."""

UNTOLD = 3
"""So many are asked by each client before that, to warm up."""


def through_daphne(
    environment: Mapping[str, str], session: str, addresses: Mapping[str, str]
) -> dict[tuple[str, int], Served]:
    """Some views, at each number of clients; another process asks for them."""
    with console_servers(1, environment) as (servers, _processes), process_in(environment) as process:
        port = int(servers[0].rsplit(":", 1)[1])
        return {
            (name, clients): process.apply(ask, (port, session, addresses[name], clients))
            for name in THROUGH_DAPHNE
            for clients in CLIENTS
        }


def ask(port: int, session: str, address: str, clients: int) -> Served:
    """Ask for a view so many times, by so many clients at once, and for the bare answer in turn with it."""
    served = Served(clients)
    start = threading.Barrier(clients)

    def one() -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        for turn in range(UNTOLD + ASKED // clients):
            for path, where in ((address, served.page), ("/bare/", served.bare)):
                start.wait()
                began = time.perf_counter()
                link.request("GET", path, headers={"Cookie": f"sessionid={session}"})
                response = link.getresponse()
                response.read()
                if turn >= UNTOLD:
                    where.append(time.perf_counter() - began)
                assert response.status == 200, f"{path} answers {response.status}"

    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return served
