"""What every app may use and what knows no app: actor, errors, events, realtime, web helpers."""
