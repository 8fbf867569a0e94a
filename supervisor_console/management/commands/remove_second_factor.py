"""`manage.py remove_second_factor NAME`: for somebody who lost it, where no administrator can get in to do it."""

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError

from routing.models import User


class Command(BaseCommand):
    help = "Removes the second factor and the recovery codes of one person, who then logs in with the password alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the user name")

    def handle(self, *args: Any, **options: Any) -> None:
        name = str(options["name"])
        try:
            user = User.objects.get(username=name)
        except User.DoesNotExist as error:
            raise CommandError(f"There is nobody with the user name {name}.") from error
        removed, _rows = Authenticator.objects.filter(user=user).delete()
        if not removed:
            raise CommandError(f"{name} has no second factor.")
        self.stdout.write(f"{name} logs in with the password alone now.")
