"""Which moves may a verb make? Typed off domain.md 2.2, 3.2 and 3.6 by hand, for each kind of channel.

A line: the verb, from, to, and for which kinds. What is not here moves nothing, or is refused.
"""

from __future__ import annotations

TABLE = """
start            -                open             LC PC AM V
start            -                in_conversation  LC PC AM
start            -                closed           LC PC AM
assign           open             offered          LC PC AM V
assign_to_queue  open             open             LC PC AM V
distribute       open             offered          LC PC AM V
distribute       open             open             LC PC AM V
transfer         offered          offered          LC PC AM V
transfer         in_conversation  in_conversation  LC PC AM V
transfer         waiting          waiting          PC AM
cancel           offered          offered          LC PC AM V
cancel           in_conversation  in_conversation  LC PC AM V
cancel           waiting          waiting          PC AM
cancel           waiting          open             PC AM
pick             open             in_conversation  LC PC AM V
accept           offered          in_conversation  LC PC AM V
accept           in_conversation  in_conversation  LC PC AM V
accept           waiting          in_conversation  PC AM
reject           offered          open             LC PC AM V
reject           offered          offered          LC PC AM V
reject           in_conversation  in_conversation  LC PC AM V
reject           waiting          waiting          PC AM
reject           waiting          open             PC AM
release          in_conversation  open             LC PC AM V
end              in_conversation  wrap_up          LC PC AM V
close            in_conversation  waiting          PC AM
close            in_conversation  open             LC V
close            wrap_up          closed           LC PC AM V
finish           wrap_up          closed           LC PC AM V
revive           waiting          in_conversation  PC AM
receive          open             open             LC PC AM V
receive          offered          offered          LC PC AM V
receive          in_conversation  in_conversation  LC PC AM V
receive          in_conversation  open             LC PC AM
receive          in_conversation  closed           LC PC AM
receive          waiting          open             PC AM
receive          waiting          waiting          PC AM
escalate         in_conversation  open             LC PC AM
elevate          in_conversation  in_conversation  LC
hold             in_conversation  in_conversation  V
customer_ends    open             closed           LC V
customer_ends    offered          closed           LC V
customer_ends    in_conversation  wrap_up          LC V
customer_ends    in_conversation  closed           LC
force_close      open             closed           LC PC AM V
force_close      offered          closed           LC PC AM V
force_close      in_conversation  closed           LC PC AM V
force_close      waiting          closed           PC AM
force_close      wrap_up          closed           LC PC AM V
monitor          in_conversation  in_conversation  LC PC AM V
monitor          waiting          waiting          PC AM
monitor          wrap_up          wrap_up          LC PC AM V
join             in_conversation  in_conversation  LC PC AM V
join             waiting          waiting          PC AM
join             wrap_up          wrap_up          LC PC AM V
send             open             open             LC PC AM V
send             offered          offered          LC PC AM V
send             in_conversation  in_conversation  LC PC AM V
send             waiting          waiting          PC AM
send             wrap_up          wrap_up          LC PC AM V
time_passes      offered          open             LC PC AM V
time_passes      offered          in_conversation  LC PC V
time_passes      offered          wrap_up          LC V
time_passes      offered          closed           AM
time_passes      open             closed           LC PC AM V
time_passes      waiting          open             PC AM
time_passes      waiting          closed           PC AM
time_passes      wrap_up          closed           LC PC AM V
time_passes      in_conversation  wrap_up          LC V
time_passes      in_conversation  open             LC PC AM V
time_passes      in_conversation  waiting          PC AM
time_passes      in_conversation  closed           LC PC AM
"""

Move = tuple[str, str, str, str]

MAY: frozenset[Move] = frozenset(
    (verb, source, target, kind)
    for verb, source, target, *kinds in map(str.split, TABLE.strip().splitlines())
    for kind in kinds
)

MOVERS = frozenset(verb for verb, *_ in MAY)
"""The verbs that the table speaks of; the others leave every conversation where it is."""
