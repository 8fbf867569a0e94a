"""What does the Agents view show? Who is where, since when, set by whom, with how much work (domain.md 5.3)."""
