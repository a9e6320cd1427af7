"""The WSGI entry: the server imports `app` from here; so does the `flask` command."""

import sys

from training_app.app import create_app
from training_app.settings import Settings, SettingsError

try:
    settings = Settings.from_env()
except SettingsError as error:
    print(error, file=sys.stderr)
    sys.exit(2)

app = create_app(settings)
