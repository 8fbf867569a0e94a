"""What is done to conversations: one module per journey, one transaction per verb."""
