//! Numbers, sizes, ages and shares as people read them.
