//! The control plane: HTTP, QUIC gateway, workers and the command line, wired together.
