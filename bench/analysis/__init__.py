"""What it means: from recorded facts to verdicts, intervals and rulings. Pure: nothing is started or asked."""
