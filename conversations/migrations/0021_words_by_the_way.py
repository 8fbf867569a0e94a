"""The indexes of parts of words collect what is new: a write costs a third, and a search looks through what is collected."""

from typing import Any

from django.db import migrations

NAMES = ("conv_words_ongoing", "conv_words_closed", "customer_words")


def collect(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for name in NAMES:
            schema_editor.execute(
                f"ALTER INDEX IF EXISTS {name} SET (fastupdate = on, gin_pending_list_limit = 1024)", params=None
            )


class Migration(migrations.Migration):
    dependencies = [("conversations", "0020_report_walks")]

    operations = [migrations.RunPython(collect, migrations.RunPython.noop)]
