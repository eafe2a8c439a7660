"""Files: reading what anybody may have made, writing what nothing is lost of, YAML, and the forms of their values."""
