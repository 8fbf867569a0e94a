"""Until when a customer had read was written and never asked: a page of theirs shows every line at once."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("conversations", "0024_waits_on_sqlite")]

    operations = [migrations.RemoveField(model_name="conversation", name="customer_read_at")]
