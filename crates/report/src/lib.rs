//! Figures from Postfix events and queue snapshots, and their renderings. Pure: no output, no clock, no files.
