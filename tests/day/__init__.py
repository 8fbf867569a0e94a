"""A simulated day: many conversations, the clock driven, processes that are killed, and accounts that add up."""
