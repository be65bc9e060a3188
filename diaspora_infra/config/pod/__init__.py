"""The key `pod`: the diaspora* pod itself, a module for each part of it."""
