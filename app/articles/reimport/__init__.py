"""What a source says of an article that is here already, merged with what editors have done since."""
