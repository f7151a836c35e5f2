"""What in a text or a path needs a second look: secrets, hidden characters, files that act."""
