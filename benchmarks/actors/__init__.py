"""Speed and memory of the actor runtime, beside its floors and its peers."""
