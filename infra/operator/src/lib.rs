//! The operator's tools, over the records themselves: the audit.
//!
//! Knows the tables, executions and objects of a stack, at home or in AWS, and reads them without the functions' adapters:
//! what those get wrong, an audit that shared them would not see.

pub mod audit;
mod reading;
mod record;
mod stack;

pub use record::Record;
pub use stack::{Keys, Names, Stack};
