"""What is said between states: frozen structs, closed vocabularies and the forms that travel. No I/O."""
