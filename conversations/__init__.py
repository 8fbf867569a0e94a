"""Work: who has it, and what supervisors, agents and customers do with it."""
