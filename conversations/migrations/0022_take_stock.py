"""PostgreSQL takes stock at once of what the report's indexes and statistics say; by itself it may do so much later."""

from typing import Any

from django.db import migrations


def take_stock(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ANALYZE conversations_conversation")
        schema_editor.execute("ANALYZE conversations_customer")


class Migration(migrations.Migration):
    dependencies = [("conversations", "0021_words_by_the_way")]

    operations = [migrations.RunPython(take_stock, migrations.RunPython.noop)]
