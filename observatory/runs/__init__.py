"""One run at a time: read what it needs, call the pure analysis, store the result under the hash of its inputs."""
