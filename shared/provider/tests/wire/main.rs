//! What goes over the wire and what its answers become, against servers that this process runs itself.
//!
//! `requests` pins every byte that we send, `answers` goes through the table of `facts/openai-images.md` row by row, and
//! `connections` breaks what lies beneath HTTP.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod support;
