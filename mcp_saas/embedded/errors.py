"""Why a launch cannot go on."""

CHOOSE_ANOTHER = "choose another folder with `make run DAZBOX_HOME=...`"


class LaunchError(Exception):
    """The launch cannot go on. The message is one line for people and says what to do; 2 means a wrong option."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class InUseError(LaunchError):
    """Another live launcher holds the state folder."""
