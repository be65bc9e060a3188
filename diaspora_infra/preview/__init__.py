"""What a run of the engine changes, for people: Markdown for a pull request, lines for a terminal."""
