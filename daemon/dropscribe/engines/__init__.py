"""What reads pages: one folder for each engine behind one Protocol."""
