"""Keys, URLs and emoji: texts in the forms in which they are compared, sorted and linked; addresses. Pure."""
