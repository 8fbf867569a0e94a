"""How a committed change reaches the sockets, surely: an outbox row, and a hint through the channel layer.

A service is an ``action``: what it announces is written to the outbox inside its transaction, and
after the commit one message goes through the channel layer (``announcing``). Each process subscribes once and hands
frames to its own sockets by topic (``listening``), so the layer's work does not grow with the number of consoles
(platform.md 4). The layer (``layer``) may drop messages, be restarted, or the process may die between commit and
push: every process reads the newest outbox rows every few seconds and delivers what it missed (``outbox``).
"""

from supervisor_console.kernel.realtime.announcing import Action, action, announce, hint
from supervisor_console.kernel.realtime.frames import Frame
from supervisor_console.kernel.realtime.layer import FLOOR, round_trip
from supervisor_console.kernel.realtime.listening import LAYER, OUTBOX, Deliver, Hub, Pulse, hub
from supervisor_console.kernel.realtime.outbox import KEEP, Seen, latest_at, prune

__all__ = [
    "FLOOR",
    "KEEP",
    "LAYER",
    "OUTBOX",
    "Action",
    "Deliver",
    "Frame",
    "Hub",
    "Pulse",
    "Seen",
    "action",
    "announce",
    "hint",
    "hub",
    "latest_at",
    "prune",
    "round_trip",
]
