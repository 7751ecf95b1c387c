"""What a command costs in each sandbox, beside a bare subprocess."""
