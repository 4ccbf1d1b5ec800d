//! What agent and control plane say to each other: frames, messages, metric blocks.
