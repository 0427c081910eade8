//! What an operator does when something is wrong: look, and put it right. Each of these may be done again.

pub mod circuit;
pub mod grant;
pub mod letters;
pub mod story;
