"""Pictures from a diffusion model on this machine."""

from orket.infrastructure.vision.painter import LocalPainter, why_absent

__all__ = ["LocalPainter", "why_absent"]
