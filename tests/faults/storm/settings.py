"""Settings of the processes in the storm: one address starts all the chats."""

from tests.settings import *  # noqa: F403

CHAT_STARTS_PER_ADDRESS = 100_000
