"""People, queues, presence and capacity (domain.md 1.2 to 1.5)."""

from routing.models.agent import Agent, AgentProfile, AgentSkill, User
from routing.models.capacity import CapacityProfile, ResetFrequency
from routing.models.presence import BasePresence, Connection, Presence, PresenceChange, SetAfter, SetBy
from routing.models.queue import AssignmentMethod, OperatingHours, Queue, QueueMembership, QueueType, Unhappy
from routing.models.skill import Skill
from routing.models.staffing import StaffingChange
from routing.models.workstream import (
    Channel,
    ChannelKind,
    DesktopNotification,
    Distribution,
    SkillMatching,
    Workstream,
    WorkstreamProfile,
    WrapUpBlock,
)

__all__ = [
    "Agent",
    "AgentProfile",
    "AgentSkill",
    "AssignmentMethod",
    "BasePresence",
    "CapacityProfile",
    "Channel",
    "ChannelKind",
    "Connection",
    "DesktopNotification",
    "Distribution",
    "OperatingHours",
    "Presence",
    "PresenceChange",
    "Queue",
    "QueueMembership",
    "QueueType",
    "ResetFrequency",
    "SetAfter",
    "SetBy",
    "Skill",
    "SkillMatching",
    "StaffingChange",
    "Unhappy",
    "User",
    "Workstream",
    "WorkstreamProfile",
    "WrapUpBlock",
]
