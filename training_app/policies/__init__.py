"""Points policies and tariffs as HR writes them: drafts, their check, consultation, publication by another person."""
