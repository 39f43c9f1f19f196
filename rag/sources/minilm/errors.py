"""What goes wrong with a model on this machine."""


class ModelError(Exception):
    """The local model cannot be had; the words say what to do. Trying again changes nothing."""
