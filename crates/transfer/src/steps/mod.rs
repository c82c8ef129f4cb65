//! The single steps of `protocol.rs`, each with its checks and its changes, in the order that the model has them in
//! (`model/tool.rs`). When which comes is `engine.rs`'s to say.

pub(crate) mod copy;
pub(crate) mod hold;
pub(crate) mod logs;
pub(crate) mod release;
pub(crate) mod send;
pub(crate) mod undo;
