"""From a stack file or the engine's values to Settings: reading, checks across settings."""
