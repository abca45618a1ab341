"""`nb log`: find, sum and forget what was made and paid here."""
