"""Small edits of the user's code, tried on a copy in memory until every gradient is right."""
