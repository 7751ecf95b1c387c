"""The kill harness: engines SIGKILLed at any moment, and an audit of what the world then looks like."""
