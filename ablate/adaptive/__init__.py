"""What results decide about what runs next: searches, and seeds where verdicts are open."""
