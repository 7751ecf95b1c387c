"""Asset files, from epic to organization: where they lie, what shape they have, what they mean."""
