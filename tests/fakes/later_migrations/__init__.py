"""The migrations of `nodes` with those of a later release behind them (`MIGRATION_MODULES`)."""

import nodes.migrations

__path__ = [*nodes.migrations.__path__, *__path__]
