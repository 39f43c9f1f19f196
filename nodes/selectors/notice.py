"""What the owner of the node we are in wants to be told."""

from nodes.engine.notice import NotifySettings, Pace
from nodes.models.notice import Notifications


def read_notifications() -> Notifications:
    """The row; an owner who has said nothing has one in memory with the defaults."""
    return Notifications.objects.first() or Notifications(settings=NotifySettings(), pace=Pace())
