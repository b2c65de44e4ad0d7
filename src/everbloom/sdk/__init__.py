"""What training code calls: init, log, finish. Validates, writes to the journal, never raises into training."""
