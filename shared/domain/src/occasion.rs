//! What an entry of the ledger was for, in words that a person understands.

use std::fmt;

use crate::{Batch, Credits};

/// The longest part of a prompt that is quoted.
const QUOTE_CHARS: usize = 40;

/// What happened to a balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion<'a> {
    /// The first credits.
    Welcome,
    /// A batch was submitted.
    Debit(&'a Batch),
    /// An image of a batch failed or was canceled.
    Refund {
        /// Which batch.
        batch: &'a Batch,
        /// The image's place in it, from 0.
        index: u32,
        /// What its owner calls it.
        name: Option<&'a str>,
    },
    /// A pack was bought.
    Order {
        /// What it gave.
        credits: Credits,
        /// What of that paid a debt.
        repaid: Credits,
    },
    /// Money for a pack was given back.
    OrderRefund {
        /// What was taken for it.
        credits: Credits,
        /// What of that was spent already, and is owed.
        owed: Credits,
    },
    /// Somebody corrected the balance by hand.
    Adjust {
        /// Why, in their words.
        reason: &'a str,
    },
    /// Something that this version has no words of its own for.
    Other(&'a str),
}

impl fmt::Display for Occasion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Welcome => f.write_str("Welcome credits"),
            Self::Debit(batch) => {
                let again = if batch.retry_of.is_some() {
                    ", tried again"
                } else {
                    ""
                };
                let photos = counted(batch.total.into(), "photo");
                write!(
                    f,
                    "Batch{} ({photos}{again})",
                    Quoted(&batch.prompt_excerpt)
                )
            }
            Self::Refund { batch, index, name } => {
                f.write_str("Refund for ")?;
                match name {
                    Some(name) => f.write_str(name)?,
                    None => write!(f, "photo {}", index.saturating_add(1))?,
                }
                write!(f, " in batch{}", Quoted(&batch.prompt_excerpt))
            }
            Self::Order { credits, repaid } => {
                write!(f, "Bought {}", counted(credits.get(), "credit"))?;
                part(f, repaid, "paid what was owed")
            }
            Self::OrderRefund { credits, owed } => {
                let credits = counted(credits.get(), "credit");
                write!(f, "Refund of an order: {credits} taken back")?;
                part(f, owed, "had been spent and are owed")
            }
            Self::Adjust { reason } => write!(f, "Adjusted by support: {}", reason.trim()),
            Self::Other(kind) => f.write_str(kind),
        }
    }
}

/// Says of how many of the credits something else is true; nothing, if of none.
fn part(f: &mut fmt::Formatter<'_>, credits: Credits, what: &str) -> fmt::Result {
    if credits.is_zero() {
        return Ok(());
    }
    write!(f, ", of which {credits} {what}")
}

/// ` “a prompt…”`, on one line; nothing of an empty one.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.0.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            return Ok(());
        }
        match line.char_indices().nth(QUOTE_CHARS) {
            Some((end, _)) => write!(f, " “{}…”", line.get(..end).unwrap_or(&line).trim_end()),
            None => write!(f, " “{line}”"),
        }
    }
}

/// `1 photo`, `2 photos`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchId, EditOptions, Submission, Timestamp, timing::TimeLimits};

    fn batch(prompt: &str, total: u32) -> Batch {
        let user: crate::UserId = "anna".parse().unwrap();
        let submission = Submission {
            jobs: Vec::new(),
            prompt: prompt.to_owned(),
            options: EditOptions::default(),
        };
        let now = Timestamp::from_millis(0);
        let id = BatchId::derive(&user, &"k".parse().unwrap());
        let price = Credits::small(1);
        Batch {
            total,
            ..Batch::new(
                id,
                user,
                &submission,
                price,
                now,
                now,
                &TimeLimits::default(),
            )
        }
    }

    #[test]
    fn every_occasion_has_words() {
        let credits = Credits::small;
        let blue = batch("make it blue", 5);
        let one = Batch {
            retry_of: Some(blue.batch_id),
            ..batch("make it blue", 1)
        };
        let refund = |name| Occasion::Refund {
            batch: &blue,
            index: 6,
            name,
        };
        for (occasion, words) in [
            (Occasion::Welcome, "Welcome credits"),
            (Occasion::Debit(&blue), "Batch “make it blue” (5 photos)"),
            (
                Occasion::Debit(&one),
                "Batch “make it blue” (1 photo, tried again)",
            ),
            (
                refund(Some("photo-7.jpg")),
                "Refund for photo-7.jpg in batch “make it blue”",
            ),
            (refund(None), "Refund for photo 7 in batch “make it blue”"),
            (
                Occasion::Order {
                    credits: credits(50),
                    repaid: credits(0),
                },
                "Bought 50 credits",
            ),
            (
                Occasion::Order {
                    credits: credits(50),
                    repaid: credits(8),
                },
                "Bought 50 credits, of which 8 paid what was owed",
            ),
            (
                Occasion::OrderRefund {
                    credits: credits(20),
                    owed: credits(0),
                },
                "Refund of an order: 20 credits taken back",
            ),
            (
                Occasion::OrderRefund {
                    credits: credits(20),
                    owed: credits(5),
                },
                "Refund of an order: 20 credits taken back, of which 5 had been spent and are owed",
            ),
            (
                Occasion::Adjust {
                    reason: "paid twice\n",
                },
                "Adjusted by support: paid twice",
            ),
            (Occasion::Other("gift"), "gift"),
        ] {
            assert_eq!(occasion.to_string(), words);
        }
    }

    #[test]
    fn a_prompt_is_quoted_on_one_line_and_not_for_long() {
        for (prompt, words) in [
            ("", "Batch (2 photos)"),
            (" a\n\n b ", "Batch “a b” (2 photos)"),
            (
                &"ü".repeat(40),
                &format!("Batch “{}” (2 photos)", "ü".repeat(40)),
            ),
            (
                &"ü".repeat(41),
                &format!("Batch “{}…” (2 photos)", "ü".repeat(40)),
            ),
        ] {
            assert_eq!(Occasion::Debit(&batch(prompt, 2)).to_string(), words);
        }
    }
}
