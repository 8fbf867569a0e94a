"""How is a deed done? As a person's click would: an actor, and one service. What a person would refuse is refused."""

from __future__ import annotations

from datetime import datetime
from random import Random

from django.contrib.auth.models import Permission

from conversations import selectors
from conversations.demo import people, plans
from conversations.demo.centre import add_user
from conversations.demo.story import CONFIRMED, PRODUCT_SKILL
from conversations.demo.transcripts import Line, Voice, transcripts
from conversations.models import Conversation, Customer, Message, SenderKind, Visibility
from conversations.services import assignment, closure, intake, messaging, notices, offers, supervision
from conversations.simulator import script
from conversations.simulator.floor import Act, Deed
from routing import selectors as routing_selectors
from routing.models import BasePresence, Channel, Presence, Queue, Skill, User, Workstream
from routing.policy import Load
from routing.services import presence
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor, Role, customer_actor

SHIFT_LEAD = ("shift-lead", "Shift lead", "(simulated)")

WITH_BOT = 0.3
"""How many of those who could are sent to a bot first."""

VOICES = {SenderKind.CUSTOMER: Voice.CUSTOMER, SenderKind.AGENT: Voice.AGENT}


def do(act: Act, rng: Random, now: datetime | None) -> None:
    """Do one thing; raises whatever the service raises."""
    match act.deed:
        case Deed.START:
            assert act.channel is not None
            _start(act.channel, rng, now)
        case Deed.WRITE | Deed.NUDGE | Deed.RETURN:
            _write(act, rng, now)
        case Deed.LEAVE:
            row = _conversation(act)
            closure.customer_ends(_customer(row), row.pk, disconnected=rng.random() < 0.4, now=now)
        case Deed.ASSIGN:
            _assign(act, now)
        case Deed.PAUSE | Deed.RESUME | Deed.SIGN_IN | Deed.SIGN_OUT:
            _come_or_go(act, rng, now)
        case _:
            _work(act, _agent(act), rng, now)


def _conversation(act: Act) -> Conversation:
    return Conversation.objects.select_related("customer").get(pk=act.chat_id)


def _customer(row: Conversation) -> Actor:
    return customer_actor(row.customer_id, row.customer.name)


def _agent(act: Act) -> Actor:
    return routing_selectors.actor_for(User.objects.get(agent=act.agent_id))


# --- customers ----------------------------------------------------------------------------------------------


def _start(channel: Channel, rng: Random, now: datetime | None) -> None:
    """Somebody writes, or calls: a customer of before who has nothing going on, if there is one."""
    told = rng.choice([script for script in transcripts() if script.is_call == (channel == Channel.VOICE)])
    name = _somebody(told.language, rng)
    known = Customer.objects.filter(name=name).order_by("pk")
    customer = next((found for found in known if plans.is_made_up(found.contact)), None)
    words = {**_made_up_words(rng, now), "name": plans.first_name(name)}
    wanted = {} if told.language == script.ENGLISH else {told.language: 3}
    queue = people.CALLS if told.is_call else told.queue.capitalize()
    if queue in PRODUCT_SKILL and rng.random() < 0.35:
        wanted.update([PRODUCT_SKILL[queue]])
    skills = dict(Skill.objects.filter(name__in=wanted).values_list("name", "pk"))
    intake.start(
        workstream_id=_workstream(channel, rng),
        name=name,
        contact=plans.made_up_contact(rng, channel, rng.randint(1000, 9999)),
        subject=plans.fill(rng.choice(told.subjects), words),
        text=plans.fill(told.opening[0].text, words),
        queue_id=Queue.objects.filter(name=queue).values_list("pk", flat=True).first(),
        customer_id=customer.pk if customer is not None else None,
        required_skills={skills[skill]: minimum for skill, minimum in wanted.items() if skill in skills},
        now=now,
    )


def _workstream(channel: Channel, rng: Random) -> int:
    """The workstream of a channel; now and then the one that a bot serves first."""
    rows = Workstream.objects.filter(channel=channel).order_by("pk").values_list("pk", flat=True)
    served = list(rows.filter(bot__isnull=False))
    return rng.choice(served) if served and rng.random() < WITH_BOT else rows[0]


def _somebody(language: str, rng: Random) -> str:
    """A name; rather somebody who is not talking to the centre already."""
    names = people.listed(people.CUSTOMERS[language])
    here = set(Conversation.objects.ongoing().filter(customer__name__in=names).values_list("customer__name", flat=True))
    return rng.choice([name for name in names if name not in here] or names)


def _write(act: Act, rng: Random, now: datetime | None) -> None:
    row = _conversation(act)
    if act.deed == Deed.NUDGE:
        text = script.phrase("n", script.language_of(script.transcript_of(row.subject)), rng)
    else:
        text = script.customer_says(row.subject, _said(row), _words(row, "", rng, now), rng)
    messaging.receive(_customer(row), row.pk, text=text, now=now)


def _said(row: Conversation) -> list[Line]:
    """What customer and agents have said; what others said is nothing to go by."""
    lines = Message.objects.filter(conversation=row, sender_kind__in=VOICES).order_by("pk")
    return [Line(VOICES[SenderKind(kind)], text) for kind, text in lines.values_list("sender_kind", "text")]


def _words(row: Conversation, agent: str, rng: Random, now: datetime | None) -> dict[str, str]:
    known = {"name": plans.first_name(row.customer.name), "agent": agent.partition(" ")[0]}
    return _made_up_words(rng, now) | known


def _made_up_words(rng: Random, now: datetime | None) -> dict[str, str]:
    return plans.made_up_words(rng, (now or clock.now()).year)


# --- agents -------------------------------------------------------------------------------------------------


def _work(act: Act, agent: Actor, rng: Random, now: datetime | None) -> None:
    match act.deed:
        case Deed.PICK:
            assignment.pick(agent, act.chat_id, now=now)
        case Deed.ACCEPT:
            offers.accept(agent, act.offer_id, now=now)
        case Deed.REJECT:
            offers.reject(agent, act.offer_id, now=now)
        case Deed.ANSWER:
            _answer(act, agent, rng, now)
        case Deed.CLOSE_SESSION:
            closure.close_session(agent, act.chat_id, now=now)
        case Deed.RELEASE:
            assignment.release(agent, act.chat_id, now=now)
        case Deed.END:
            closure.end(agent, act.chat_id, now=now)
        case Deed.FINISH:
            closure.finish_wrap_up(agent, act.chat_id, now=now)
        case Deed.REVIVE:
            intake.revive(agent, act.chat_id, now=now)
        case Deed.LEAVE_CONSULT:
            supervision.leave(agent, act.chat_id, now=now)


def _answer(act: Act, agent: Actor, rng: Random, now: datetime | None) -> None:
    row = _conversation(act)
    line = script.agent_says(row.subject, _said(row), _words(row, agent.name, rng, now), rng)
    visibility = Visibility.INTERNAL if line.voice == Voice.INTERNAL else Visibility.PUBLIC
    messaging.send(agent, row.pk, text=line.text, visibility=visibility, now=now)


def _come_or_go(act: Act, rng: Random, now: datetime | None) -> None:
    """Sign in and out, take a break, come back; whoever comes reads what they were told meanwhile."""
    match act.deed:
        case Deed.SIGN_OUT:
            presence.sign_out(act.agent_id, now=now)
        case Deed.SIGN_IN:
            presence.sign_in(act.agent_id, load_of=_load_of, now=now)
        case Deed.PAUSE:
            breaks = Presence.objects.filter(is_selectable=True, base__in=[BasePresence.AWAY, BasePresence.BUSY_DND])
            chosen = rng.choice(breaks.order_by("pk"))
            presence.set_presence(_agent(act), act.agent_id, presence_id=chosen.pk, now=now)
        case _:
            available = Presence.objects.get(code=BasePresence.AVAILABLE)
            presence.set_presence(_agent(act), act.agent_id, presence_id=available.pk, now=now)
    if act.deed in (Deed.SIGN_IN, Deed.RESUME):
        notices.mark_all_read(_agent(act), now=now)


def _load_of(agent_id: int, now: datetime) -> Load:
    return selectors.loads([agent_id], now)[agent_id]


# --- the shift lead -----------------------------------------------------------------------------------------


def hire_shift_lead() -> None:
    """Take on the shift lead, as whom nobody can sign in; does nothing where there is one."""
    if not User.objects.filter(username=SHIFT_LEAD[0]).exists():
        lead = add_user(*SHIFT_LEAD, frozenset({Role.SUPERVISOR}))
        lead.user_permissions.add(Permission.objects.get(codename="view_all_queues"))


def _assign(act: Act, now: datetime | None) -> None:
    lead = routing_selectors.actor_for(User.objects.get(username=SHIFT_LEAD[0]))
    row = selectors.get_visible(lead, act.chat_id)
    assignment.assign(lead, row.pk, agent_id=act.agent_id, version=row.version, confirmed=CONFIRMED, now=now)
