"""One day of an on-premises estate, played through the same functions as the commands."""
