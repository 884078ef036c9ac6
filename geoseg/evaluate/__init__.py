"""How good a map is: against a reference, against interpreted points."""
