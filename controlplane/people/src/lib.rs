//! Who people are: tenants, users, log-in, customers.
