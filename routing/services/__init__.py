"""What routing does: one module per journey."""
