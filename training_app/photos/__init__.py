"""Photos of many people from one zip: matched by the numbers in the names of the files, previewed, applied, undone."""
