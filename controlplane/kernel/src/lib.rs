//! What every domain stands on: ids, money, clock, context, databases, outbox, jobs, audit, secrets.
