"""diaspora-infra: a diaspora* pod from one typed config."""
