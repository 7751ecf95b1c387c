"""Workspaces that are views of a project, and the way back from one into the other."""
