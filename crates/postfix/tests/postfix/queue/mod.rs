//! Queues: messages as `postqueue -j` has them, in spools of the fixtures and of running instances.

mod checked;
mod fixtures;
mod headers;
mod hostile;
mod live;
mod milter;
mod motion;
mod scan;
mod spools;
