//! The operator's tools: the audit, and what there is to do when something is wrong.
//!
//! Knows the tables, executions, objects and queues of a stack, at home or in AWS, and reads them without the functions'
//! adapters: what those get wrong, an audit that shared them would not see. What it writes into the tables goes by the
//! adapters, so that no rule of theirs is passed by.

pub mod audit;
pub mod ops;
mod reading;
mod record;
mod stack;

pub use record::Record;
pub use stack::{Keys, Names, Stack};
