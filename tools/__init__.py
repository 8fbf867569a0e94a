"""What the repository itself needs: its environment, its locks, the audit of them."""
