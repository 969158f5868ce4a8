"""What reads articles from files: one pure parser per format, all of them yielding the same documents.

Never touches the database, the network or the disk; what is read here is written by the pipeline.
"""
