"""From the database and from files of others to the vote table."""
