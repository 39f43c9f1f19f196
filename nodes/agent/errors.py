"""What can go wrong on a box beside its node (`nodes.sources.driver.errors`)."""

from nodes.sources.driver.errors import OutsideError


class HomeError(OutsideError):
    """A file of the agent's home folder is missing or damaged."""


class CloudError(OutsideError):
    """The cloud cannot be reached or refuses."""
