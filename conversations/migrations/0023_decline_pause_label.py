"""A better name for the pause after a decline; the database stays as it is."""

from django.db import migrations, models

import conversations.models.timers


class Migration(migrations.Migration):
    dependencies = [("conversations", "0022_take_stock")]

    operations = [
        migrations.AlterField(
            model_name="supervisorsettings",
            name="decline_pause",
            field=models.PositiveIntegerField(
                default=30,
                validators=[conversations.models.timers.Between(1, 3600)],
                verbose_name="Pause after a decline",
            ),
        ),
    ]
