"""What the report says: numbers from the records, tables, figures and sentences that stay true."""
