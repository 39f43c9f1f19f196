"""The migrations of `tests.fakes.later_migrations` and one that runs Python in every schema."""

import tests.fakes.later_migrations

__path__ = [*tests.fakes.later_migrations.__path__, *__path__]
