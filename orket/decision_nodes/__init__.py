"""Decision nodes: the change-prone choices, each a pure function of explicit inputs."""
