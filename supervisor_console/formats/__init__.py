"""How are dates and times written where Django writes them? One package for each language."""
