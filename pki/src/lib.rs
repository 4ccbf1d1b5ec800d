//! Who may speak: authority, enrolment, renewal, revocation, rustls configurations.
