"""The benchmarks measure what they say; no test looks at a clock."""
