"""The base of every error that relicwatch raises on purpose.

Each room defines its own subclasses beside the code that raises them: one class per situation that a caller can act on.
"""


class RelicwatchError(Exception):
    """Something a user can act on; its text is one sentence that says what happened and what to do.

    The command prints it without a traceback and exits with `exit_status`.
    """

    exit_status = 1


class HomeError(RelicwatchError):
    """The home directory is missing, unusable or not what the command may work on."""


class UsageError(RelicwatchError):
    """The command was called with arguments that do not go together."""

    exit_status = 2
