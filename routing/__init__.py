"""People, queues, presence and capacity: who may take work."""
