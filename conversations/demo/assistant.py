"""Who talked to the web shop's assistant before the demo began? A few customers, each with another outcome."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import datetime, timedelta

from conversations.demo import people, plans
from conversations.demo.centre import Centre
from conversations.models import Conversation
from conversations.services import assignment, bots, closure, intake, messaging
from routing.models import Workstream
from supervisor_console.kernel.actor import Actor, customer_actor

Tale = Generator[datetime, None, None]

AGENT = "spela"
"""Who took the one that the bot handed over a while ago."""

# Minutes before the demo begins, who, about what, and their lines: the first begins it, the others follow half a minute
# apart. «+» asks for a person by the button, «x» leaves, «>» is the answer of the agent who took it.
STORIES: tuple[tuple[float, str, str, tuple[str, ...]], ...] = (
    (1.2, "Nika Oblak", "Parcel 48213 is not here", ("Where is my parcel 48213?",)),
    (2.6, "Arthur Penn", "Return of two lamps", ("I want to return two lamps", "And who pays for the shipping back?")),
    (
        4.5,
        "Hedvig Aalto",
        "Wrong colour delivered",
        (
            "My parcel arrived with the wrong colour",
            "Can I exchange it in a shop?",
            "Which shop in Graz is open on Sunday?",
        ),
    ),
    (3.1, "Luca Moretti", "Gift card does not work", ("My gift card does not work", "+")),
    (
        16,
        "Sylvie Blanc",
        "Invoice with the wrong address",
        (
            "The invoice has the wrong address",
            "I would like to talk to a person, please",
            ">Hello Sylvie, I am looking at the invoice now. Which address should it be?",
            "Rue Nationale 12, please. The rest is correct.",
            ">Thank you. The corrected invoice is on its way to your mailbox.",
        ),
    ),
    (95, "Ole Sand", "Opening hours on Sunday", ("Are you open on Sunday?", "Great, thank you")),
    (140, "Milica Rus", "When does the parcel come?", ("When does my parcel arrive?", "Thanks, bye")),
    (190, "Joan Field", "Payment by invoice", ("Can I pay by invoice?", "x")),
)


def tales(centre: Centre, now: datetime) -> Iterator[Tale]:
    """One tale per customer."""
    return (_tale(centre, now - timedelta(minutes=ago), name, subject, said) for ago, name, subject, said in STORIES)


def _tale(centre: Centre, starts: datetime, name: str, subject: str, said: tuple[str, ...]) -> Tale:
    agent = centre.actors[AGENT]
    yield starts
    event = intake.start(
        workstream_id=Workstream.objects.get(name=people.ASSISTANT).pk,
        name=name,
        contact=f"{name.split()[0].lower()}{plans.MADE_UP_MAIL}",
        subject=subject,
        text=said[0],
        queue_id=centre.queues[people.TECHNICAL if ">" in "".join(said) else people.SALES].pk,
        now=starts,
    )
    pk = event.conversation_id
    customer = customer_actor(Conversation.objects.values_list("customer_id", flat=True).get(pk=pk), name)
    for number, line in enumerate(said[1:], start=1):
        moment = starts + timedelta(seconds=30 * number)
        yield moment
        _happens(pk, customer, agent, line, moment)


def _happens(pk: int, customer: Actor, agent: Actor, line: str, moment: datetime) -> None:
    if line == "+":
        bots.escalate(customer, pk, now=moment)
    elif line == "x":
        closure.customer_ends(customer, pk, now=moment)
    elif line.startswith(">"):
        if Conversation.objects.get(pk=pk).agent_id is None:
            assignment.pick(agent, pk, now=moment)
        messaging.send(agent, pk, text=line[1:], now=moment)
    else:
        messaging.receive(customer, pk, text=line, now=moment)
