"""Is a conversation moved in one place only, along the table, with a history entry and an announcement?"""

import ast

from tests.architecture.test_house_rules import is_name, modules, places

MOVED = {"state", "reason", "closed_at", "wrapup_started_at"}
CLOCKS = {"accepted_at", "handled", "handling_since"}


def sets(node: ast.AST, names: set[str]) -> bool:
    """Whether an attribute of one of these names is assigned here; the leg of a call has a state of its own."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(
        isinstance(target, ast.Attribute) and target.attr in names and not is_name(target.value, "leg")
        for target in targets
    )


def test_states_and_their_times_are_set_by_the_one_move() -> None:
    assert set(places(lambda node: sets(node, MOVED))) == {"conversations/steps.py"}
    # A repair lets a clock run again, or rest; it never moves a conversation.
    mended = {"conversations/services/repair.py"}
    assert set(places(lambda node: sets(node, CLOCKS))) == {"conversations/steps.py"} | mended


def test_nobody_updates_conversations_around_the_move() -> None:
    def is_update(node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"update", "bulk_update", "update_or_create"}
            and any(is_name(part, "Conversation") for part in ast.walk(node.func.value))
        )

    found = set(places(is_update))

    assert all(path.startswith("conversations/demo/") for path in found), found


def test_every_move_of_a_service_names_its_row_of_the_table() -> None:
    """Every trigger that a service uses exists; those that none uses wait for bulk and records."""
    used = {
        node.attr
        for path, module in modules()
        if path.startswith(("conversations/services/", "conversations/steps.py", "conversations/bots.py"))
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and is_name(node.value, "Trigger")
    }

    assert used == {
        *("BOT_ESCALATES", "BOT_ENDS", "CUSTOMER_LEAVES_BOT"),
        *("PUSH", "OVERFLOW", "PICK", "SUPERVISOR_ASSIGN", "SUPERVISOR_ASSIGN_TO_QUEUE", "ACCEPT", "REJECT", "TIMEOUT"),
        *("CUSTOMER_LEAVES", "AUTO_CLOSE", "AGENT_END", "CALL_LIMIT", "AGENT_CLOSES_SESSION", "AGENT_RELEASE"),
        "AGENT_DISCONNECTED",
        *("TRANSFER_ACCEPTED", "REVIVE", "CUSTOMER_RETURNS", "FINISH_WRAP_UP", "FORCE_CLOSE"),
    }


def test_every_service_that_moves_also_publishes() -> None:
    silent = []
    for path, module in modules():
        if not path.startswith("conversations/services/"):
            continue
        calls = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
        moves = any(isinstance(call.func, ast.Attribute) and call.func.attr == "move" for call in calls)
        tells = any(isinstance(call.func, ast.Attribute) and call.func.attr == "publish" for call in calls)
        if moves and not tells:
            silent.append(path)

    assert silent == []
