from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("supervisor_console", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("who", models.CharField(max_length=40)),
                ("key", models.CharField(max_length=64)),
                ("what", models.CharField(max_length=32)),
                ("outcome", models.JSONField(default=dict)),
                ("at", models.DateTimeField(db_index=True)),
            ],
            options={
                "verbose_name": "idempotency key",
                "verbose_name_plural": "idempotency keys",
                "constraints": [models.UniqueConstraint(fields=("who", "key", "what"), name="idempotency_key_once")],
            },
        ),
    ]
