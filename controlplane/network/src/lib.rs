//! How a service reaches the network: devices, agents, attachments, desired state.
