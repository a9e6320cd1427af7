"""A whole roster from a file: people or units, checked, previewed, applied all or nothing, and undone."""
