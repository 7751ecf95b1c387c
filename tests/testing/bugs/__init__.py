"""Small actor programs with one known concurrency bug each, and their fixed twins."""
