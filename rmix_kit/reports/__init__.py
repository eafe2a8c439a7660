"""What runs have shown, as tables, figures and one page (`rmix-kit report`, `rmix-kit plot`, `--frontier`)."""
