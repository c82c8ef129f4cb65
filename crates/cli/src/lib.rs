//! What the binaries share: common flags, exit status, terminal, progress, man pages.
