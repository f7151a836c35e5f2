"""Longshift: a language server that puts a crew of coding agents on a long shift."""

__version__ = "0.1.0"
