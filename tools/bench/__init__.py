"""`make bench`: every figure is a ratio to a yardstick measured in the same run, round by round."""
