//! Tokens, by the formula of the facts file. Knows no prices.

use serde::Serialize;

use super::request::{Quality, Size};

/// What an input picture costs, about.
const TOKENS_PER_INPUT_IMAGE: u64 = 1_024;
/// Characters of a prompt per token, about.
const CHARACTERS_PER_TOKEN: usize = 4;

/// The `usage` of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
    input_tokens_details: InputTokens,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
struct InputTokens {
    text_tokens: u64,
    image_tokens: u64,
}

impl Usage {
    /// What `pictures` results of one request use.
    pub(crate) fn of(
        prompt: &str,
        inputs: usize,
        quality: Quality,
        size: Size,
        pictures: u32,
    ) -> Self {
        let text_tokens = count(prompt.chars().count().div_ceil(CHARACTERS_PER_TOKEN));
        let image_tokens = TOKENS_PER_INPUT_IMAGE.saturating_mul(count(inputs));
        let input_tokens = text_tokens.saturating_add(image_tokens);
        let output_tokens = output_tokens(quality, size).saturating_mul(u64::from(pictures));
        Self {
            input_tokens,
            output_tokens,
            total_tokens: input_tokens.saturating_add(output_tokens),
            input_tokens_details: InputTokens {
                text_tokens,
                image_tokens,
            },
        }
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// `f = 16|48|96`, `s = round(f * short/long)`, `ceil(f * s * (2_000_000 + w*h) / 4_000_000)`.
///
/// The facts have no `f` for the two qualities above high; ours continue the row and are a guess.
fn output_tokens(quality: Quality, size: Size) -> u64 {
    let f: u64 = match quality {
        Quality::Low => 16,
        Quality::Medium => 48,
        Quality::High => 96,
        Quality::Xhigh => 144,
        Quality::Max => 192,
    };
    let (width, height) = (u64::from(size.width), u64::from(size.height));
    let (short, long) = (width.min(height), width.max(height).max(1));
    let s = (2 * f * short + long) / (2 * long);
    (f * s * (2_000_000 + width * height)).div_ceil(4_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_tokens_reproduce_the_price_table() {
        let square = Size {
            width: 1024,
            height: 1024,
        };
        let wide = Size {
            width: 1536,
            height: 1024,
        };
        for (quality, size, tokens) in [
            (Quality::Low, square, 196),
            (Quality::Medium, square, 1_756),
            (Quality::High, square, 7_024),
            (Quality::Low, wide, 158),
            (Quality::Medium, wide, 1_372),
            (Quality::High, wide, 5_488),
        ] {
            assert_eq!(output_tokens(quality, size), tokens, "{quality:?} {size:?}");
        }
    }

    #[test]
    fn totals_add_up() {
        let usage = Usage::of(
            "make it blue",
            2,
            Quality::Low,
            Size {
                width: 1024,
                height: 1024,
            },
            3,
        );
        assert_eq!(
            usage.input_tokens_details,
            InputTokens {
                text_tokens: 3,
                image_tokens: 2_048
            }
        );
        assert_eq!(usage.total_tokens, 2_051 + 588);
    }
}
