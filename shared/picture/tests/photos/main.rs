//! What becomes of photos of every kind that people upload.

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod redrawn;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod support;
#[cfg(test)]
mod taken;
