"""How are dates and times written in English? To the second, because the record of who did what when is read here."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i:s"
TIME_INPUT_FORMATS = ["%H:%M", "%H:%M:%S"]
