"""People, customers and the clock in any order, and what must hold after every step (domain.md 2, 3, 4)."""
