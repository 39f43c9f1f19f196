"""Committed boxes, beside the three of every test."""

from tests.committed import committed_db

__all__ = ["committed_db"]
