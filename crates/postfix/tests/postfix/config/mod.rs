//! Configuration: main.cf files and their meaning, hosts and their instances.

mod cases;
mod host;
mod image;
mod live;
mod select;
mod values;
