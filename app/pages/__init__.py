"""Pages for people, in a browser: the explorer at `/`, and the desk of editors at `/desk`. They read and write through
the public API alone, as anybody's program may, and know nothing that it does not tell their visitor."""
