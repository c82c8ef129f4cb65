//! Real Postfix instances and an SMTP sink, for the tests.
