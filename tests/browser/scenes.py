"""What tests in a browser begin with: a chat that goes on, and a page that follows it."""

from django.utils import timezone
from playwright.sync_api import Page, expect

from conversations.models import Conversation
from conversations.services import assignment, intake, offers
from routing.models import Agent
from tests.cast import EVERY_CAUTION, Floor, actor_of, offer_of


def start(floor: Floor, text: str = "My invoice is wrong") -> Conversation:
    """Maja starts a chat now."""
    event = intake.start(
        workstream_id=floor.chat.pk, name="Maja", subject=text, text=text, queue_id=floor.billing.pk, now=timezone.now()
    )
    return Conversation.objects.get(pk=event.conversation_id)


def active(floor: Floor, agent: Agent) -> Conversation:
    """A chat that this agent has accepted."""
    chat = start(floor)
    actor = actor_of(floor.sara)
    assignment.assign(actor, chat.pk, agent_id=agent.pk, version=chat.version, confirmed=EVERY_CAUTION)
    offers.accept(actor_of(agent), offer_of(chat).pk)
    return Conversation.objects.get(pk=chat.pk)


def is_live(page: Page) -> None:
    """Wait until the page follows what happens."""
    expect(page.locator("[data-live-badge]")).to_have_attribute("data-state", "live")
