//! main.cf, parameter expansion, instance discovery.
