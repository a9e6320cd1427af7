"""The WSGI entry: the server imports `app` from here; so does the `flask` command."""

import gc
import sys

gc.disable()  # a quarter of the time of a start was spent on looking for garbage among what stays

from training_app.app import create_app  # noqa: E402
from training_app.settings import Settings, SettingsError  # noqa: E402

try:
    settings = Settings.from_env()
except SettingsError as error:
    print(error, file=sys.stderr)
    sys.exit(2)

app = create_app(settings)
gc.freeze()
gc.enable()
