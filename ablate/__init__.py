"""Ablation studies that say what each factor really does, how sure that is, and what is confounded."""

__version__ = "0.1.0"
