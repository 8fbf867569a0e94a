"""A workstream says when an offer is told by a notification of the desktop (domain.md 4.2)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0010_live_wait_counter")]

    operations = [
        migrations.AddField(
            model_name="workstream",
            name="desktop_notification",
            field=models.CharField(
                choices=[
                    ("never", "Never"),
                    ("background", "When nobody looks at the console"),
                    ("always", "Always"),
                ],
                default="background",
                max_length=10,
                verbose_name="desktop notification",
            ),
        ),
    ]
