//! What is owed and paid: plans, services, invoices, payments, collections.
