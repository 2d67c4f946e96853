"""What results decide about what runs next."""
