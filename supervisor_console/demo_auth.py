"""Which passwords open the demo, and why do they open nothing else?"""

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher


class DemoPasswordHasher(PBKDF2PasswordHasher):
    """Hashes under a name of their own, which only a demo accepts.

    The demo's passwords are printed for everybody to read. If its database is ever started as something else, the
    hashers of that installation do not know the name, and this class refuses to answer even if it is asked.
    """

    algorithm = "demo"
    iterations = 20_000  # The passwords are public: a slow hash would protect nothing.

    def verify(self, password: str, encoded: str) -> bool:
        return bool(settings.DEMO) and super().verify(password, encoded)

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        if not settings.DEMO:
            raise PermissionError("Demo passwords exist in the demo only. Set DEMO=1.")
        return super().encode(password, salt, iterations)
