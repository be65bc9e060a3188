"""Speed and size, measured as ratios against a floor in one run."""
