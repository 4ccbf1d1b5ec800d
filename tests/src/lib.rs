//! End-to-end tests: real processes, real sockets, both databases.
