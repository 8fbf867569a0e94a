"""What do customers do? They come, write, ask for a person, leave, and come back."""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from conversations.services import bots, chat_pages, closure, intake, messaging
from routing.models import Channel
from tests.machine.acting import ANY, HERE, ONGOING, Acting

CHANNELS = [channel for channel in Channel if channel != Channel.RECORD]
TEXTS = ["Hello?", "Where is my parcel?", "A person, please", "Thanks, bye", "This is terrible"]


class Customers(Acting):
    """They know their own conversation only."""

    @precondition(lambda self: len(self.those(*ONGOING)) < 6)
    @rule(channel=st.sampled_from(CHANNELS), text=st.sampled_from(TEXTS))
    def start(self, channel: Channel, text: str) -> None:
        self.start_one(channel, text)

    def start_one(self, channel: Channel, text: str) -> None:
        workstream_id = self.workstreams[channel.value]
        self.act("start", lambda: intake.start(workstream_id=workstream_id, name="Maja", text=text, now=self.now))

    @rule(which=ANY, text=st.sampled_from(TEXTS))
    def receive(self, which: int, text: str) -> None:
        chat = self.chat(which, "open", "offered", "in_conversation", "waiting", "waiting")
        customer = self.customer(chat, which)
        self.act(
            "receive", lambda: messaging.receive(customer, chat.pk, text=text, now=self.now), chat=chat, actor=customer
        )

    @rule(which=ANY, disconnected=st.booleans())
    def customer_ends(self, which: int, disconnected: bool) -> None:
        chat = self.chat(which, "open", "offered", "in_conversation", kinds="LC V")
        customer = self.customer(chat, which)
        self.act(
            "customer_ends",
            lambda: closure.customer_ends(customer, chat.pk, disconnected=disconnected, now=self.now),
            chat=chat,
            actor=customer,
        )

    @precondition(lambda self: self.has("in_conversation", kinds="AM LC PC"))
    @rule(which=ANY)
    def ask_for_a_person(self, which: int) -> None:
        chat = self.chat(which, "in_conversation", kinds="AM LC PC")
        customer = self.customer(chat, which)
        self.act("escalate", lambda: bots.escalate(customer, chat.pk, now=self.now), chat=chat, actor=customer)

    @precondition(lambda self: self.has(*ONGOING, kinds="LC"))
    @rule(which=ANY, closes=st.booleans())
    def a_page_comes_or_goes(self, which: int, closes: bool) -> None:
        """The customer's browser: a page of the chat opens, or the one that was there is shut."""
        chat = self.chat(which, *ONGOING, kinds="LC")
        key = UUID(int=chat.pk)
        if closes:
            self.act("page", lambda: chat_pages.keep_alive(HERE, closed=[key], now=self.now), chat=chat)
        else:
            self.act("page", lambda: chat_pages.connected(chat.pk, key, process=HERE, now=self.now), chat=chat)
