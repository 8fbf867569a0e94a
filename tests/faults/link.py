"""A line between a browser and its server that can go dead without a word, as a sleeping laptop's does."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterator

CHUNK = 65536


class Link:
    """Hands bytes on between whoever connects and the server; a dead connection stays open and carries nothing."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._dead: set[socket.socket] = set()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._over = threading.Event()
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def go_dead(self) -> None:
        """From now on nothing passes over the connections that are open; new ones work."""
        self._dead |= set(self._pairs)

    def close(self) -> None:
        self._over.set()

    def run(self) -> None:
        with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
            stack.callback(self._listener.close)
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._over.is_set():
                for key, _ in selector.select(timeout=0.05):
                    end = key.fileobj
                    assert isinstance(end, socket.socket)
                    if end is self._listener:
                        for each in self._join():
                            stack.callback(each.close)
                            selector.register(each, selectors.EVENT_READ)
                    elif not self._hand_on(end):
                        # Over a dead line not even a good-bye passes: the other end goes on waiting.
                        for each in (end,) if end in self._dead else (end, self._pairs[end]):
                            with contextlib.suppress(KeyError, ValueError):
                                selector.unregister(each)
                            each.close()

    def _join(self) -> tuple[socket.socket, socket.socket]:
        near, _ = self._listener.accept()
        far = socket.create_connection(self._server)
        self._pairs |= {near: far, far: near}
        return near, far

    def _hand_on(self, end: socket.socket) -> bool:
        """Whether the connection goes on."""
        try:
            words = end.recv(CHUNK)
            if words and end not in self._dead:
                self._pairs[end].sendall(words)
        except OSError:
            return False
        return bool(words)


@contextlib.contextmanager
def link_to(host: str, port: int) -> Iterator[Link]:
    """A line to this server, for as long as it is needed."""
    link = Link(host, port)
    thread = threading.Thread(target=link.run, daemon=True)
    thread.start()
    try:
        yield link
    finally:
        link.close()
        thread.join(timeout=5)
