"""What happened here: how the process was started, what it printed, used and met as its end."""
