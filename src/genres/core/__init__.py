"""What every stage uses: atomic files, the columns of the tables, progress, memory, errors."""
