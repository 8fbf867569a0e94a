"""What the tests of this folder do: they drop, stop, flush and kill, and then look at the screen again."""
