"""Read models: what pages show, as frozen values with ready strings."""
