//! What goes wrong, and when: by a marker in the prompt or by a rule that a test has set.
//!
//! `[[fault:NAME]]` fails every call, `[[fault:NAME:COUNT]]` the first COUNT calls with this prompt and picture,
//! `[[fault:slow:SECONDS]]` and `[[fault:slow:SECONDS:COUNT]]` hold the answer. Several markers take effect one after the
//! other. Knows how each fault looks before the work; what it does to a finished answer is in `handler`.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use serde::{
    Deserialize, Serialize,
    de::{
        IntoDeserializer,
        value::{Error as NameError, StrDeserializer},
    },
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{journal::ImageHash, refusal::Refusal};

/// Rules that a test may set at the same time.
const MAX_RULES: usize = 1_000;
/// Prompts with a counted marker that are remembered; the oldest goes first.
const MAX_COUNTED: usize = 50_000;
/// Longest that an answer is held.
const MAX_HOLD: u64 = 900;
const OPEN: &str = "[[fault:";
const CLOSE: &str = "]]";

/// Everything that can be made to go wrong.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    // Before the work: nothing is bought.
    RateLimit,
    SlowDown,
    OutOfMoney,
    CreditBalanceExhausted,
    SpendLimit,
    Moderation,
    BadImage,
    BadKey,
    NotVerified,
    Overload,
    ServerError,
    BadGateway,
    // After the work: the picture is bought.
    GatewayTimeout,
    Slow,
    Cut,
    CutAnswer,
    Garbage,
    EmptyData,
    TruncatedImage,
    WrongFormat,
}

impl Fault {
    const ALL: [Self; 20] = [
        Self::RateLimit,
        Self::SlowDown,
        Self::OutOfMoney,
        Self::CreditBalanceExhausted,
        Self::SpendLimit,
        Self::Moderation,
        Self::BadImage,
        Self::BadKey,
        Self::NotVerified,
        Self::Overload,
        Self::ServerError,
        Self::BadGateway,
        Self::GatewayTimeout,
        Self::Slow,
        Self::Cut,
        Self::CutAnswer,
        Self::Garbage,
        Self::EmptyData,
        Self::TruncatedImage,
        Self::WrongFormat,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::SlowDown => "slow_down",
            Self::OutOfMoney => "out_of_money",
            Self::CreditBalanceExhausted => "credit_balance_exhausted",
            Self::SpendLimit => "spend_limit",
            Self::Moderation => "moderation",
            Self::BadImage => "bad_image",
            Self::BadKey => "bad_key",
            Self::NotVerified => "not_verified",
            Self::Overload => "overload",
            Self::ServerError => "server_error",
            Self::BadGateway => "bad_gateway",
            Self::GatewayTimeout => "gateway_timeout",
            Self::Slow => "slow",
            Self::Cut => "cut",
            Self::CutAnswer => "cut_answer",
            Self::Garbage => "garbage",
            Self::EmptyData => "empty_data",
            Self::TruncatedImage => "truncated_image",
            Self::WrongFormat => "wrong_format",
        }
    }
}

/// How markers and rules call each fault, for those who want to see all of them.
pub fn fault_names() -> impl Iterator<Item = &'static str> {
    Fault::ALL.into_iter().map(Fault::name)
}

/// A fault that strikes one call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    seconds: Option<u64>,
}

/// A fault for every call whose prompt contains `match`, `count` times or for good.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    name: Fault,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(default)]
    r#match: String,
    /// How long `slow` holds and what `rate_limit` and `slow_down` ask to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Marker {
    strike: Strike,
    count: Option<u32>,
}

/// The rules, and how often counted markers have struck.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    struck: HashMap<[u8; 32], u32>,
    oldest_first: VecDeque<[u8; 32]>,
}

impl Faults {
    /// Adds a rule; false when there are too many.
    pub(crate) fn add(&mut self, rule: Rule) -> bool {
        let room = self.rules.len() < MAX_RULES;
        if room {
            self.rules.push(rule);
        }
        room
    }

    /// Removes the rules with exactly this `match`, or all. Markers keep their counts: they belong to their prompts.
    pub(crate) fn clear(&mut self, with_match: Option<&str>) {
        self.rules
            .retain(|rule| with_match.is_some_and(|with_match| rule.r#match != with_match));
    }

    /// The rules that still can strike.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What strikes this call, if anything. A marker that nobody knows is refused: a typing error would pass silently.
    pub(crate) fn strike(
        &mut self,
        prompt: &str,
        image: ImageHash,
    ) -> Result<Option<Strike>, Refusal> {
        let markers = markers(prompt)?;
        if let Some(rule) = self
            .rules
            .iter_mut()
            .find(|rule| rule.count != Some(0) && prompt.contains(&rule.r#match))
        {
            let strike = Strike {
                fault: rule.name,
                seconds: rule.seconds,
            };
            rule.count = rule.count.map(|count| count.saturating_sub(1));
            self.rules.retain(|rule| rule.count != Some(0));
            return Ok(Some(strike));
        }
        Ok(markers.into_iter().enumerate().find_map(|(index, marker)| {
            let due = match marker.count {
                Some(count) => self.count_strike(key(index, prompt, image), count),
                None => true,
            };
            due.then_some(marker.strike)
        }))
    }

    /// Whether fewer than `count` calls were struck; if so this one is counted.
    fn count_strike(&mut self, key: [u8; 32], count: u32) -> bool {
        let known = self.struck.contains_key(&key);
        if !known {
            self.oldest_first.push_back(key);
            if self.oldest_first.len() > MAX_COUNTED
                && let Some(oldest) = self.oldest_first.pop_front()
            {
                self.struck.remove(&oldest);
            }
        }
        let struck = self.struck.entry(key).or_default();
        let due = *struck < count;
        if due {
            *struck += 1;
        }
        due
    }
}

fn key(index: usize, prompt: &str, image: ImageHash) -> [u8; 32] {
    Sha256::new()
        .chain_update(index.to_le_bytes())
        .chain_update(image.0)
        .chain_update(prompt)
        .finalize()
        .into()
}

/// The prompt without its markers: `bad_gateway` is no wish.
pub(crate) fn without_markers(prompt: &str) -> String {
    let mut rest = prompt;
    let mut kept = String::with_capacity(prompt.len());
    while let Some((before, after)) = rest.split_once(OPEN) {
        let Some((_, after)) = after.split_once(CLOSE) else {
            break;
        };
        kept.push_str(before);
        rest = after;
    }
    kept.push_str(rest);
    kept
}

fn markers(prompt: &str) -> Result<Vec<Marker>, Refusal> {
    let unknown = |rest: &str| {
        let shown: String = rest.chars().take(40).collect();
        let message = format!("This stand-in knows no fault '{OPEN}{shown}'.");
        Refusal::invalid("unknown_fault", message).about("prompt")
    };
    prompt
        .split(OPEN)
        .skip(1)
        .map(|rest| {
            let marker = rest.split_once(CLOSE).and_then(|(marker, _)| parse(marker));
            marker.ok_or_else(|| unknown(rest))
        })
        .collect()
}

/// What stands between the brackets: `name`, `name:count`, `slow:seconds`, `slow:seconds:count`.
fn parse(marker: &str) -> Option<Marker> {
    let mut parts = marker.split(':');
    let name: StrDeserializer<'_, NameError> = parts.next()?.into_deserializer();
    let fault = Fault::deserialize(name).ok()?;
    let numbers = parts
        .map(|part| part.parse().ok())
        .collect::<Option<Vec<u32>>>()?;
    let (seconds, count) = match (fault, numbers.as_slice()) {
        (_, []) => (None, None),
        (Fault::Slow, [seconds]) => (Some(*seconds), None),
        (Fault::Slow, [seconds, count]) => (Some(*seconds), Some(*count)),
        (_, [count]) => (None, Some(*count)),
        _ => return None,
    };
    let seconds = seconds.map(u64::from);
    Some(Marker {
        strike: Strike { fault, seconds },
        count,
    })
}

impl Strike {
    /// The fault's name, for the journal.
    pub(crate) const fn name(self) -> &'static str {
        self.fault.name()
    }

    /// How long a finished answer is held.
    pub(crate) fn hold(self) -> Duration {
        match self.fault {
            Fault::Slow => Duration::from_secs(self.seconds.unwrap_or(10).min(MAX_HOLD)),
            _ => Duration::ZERO,
        }
    }

    /// The answer of a fault that strikes before any work is done.
    pub(crate) fn before_work(self) -> Option<Response> {
        let refusal = match self.fault {
            Fault::RateLimit => self.wait(
                "rate_limit_exceeded",
                "Rate limit reached for images per minute.",
            ),
            Fault::SlowDown => self.wait(
                "slow_down",
                "Your request rate rose suddenly. Please slow down.",
            ),
            Fault::OutOfMoney => no_money("insufficient_quota"),
            Fault::CreditBalanceExhausted => no_money("credit_balance_exhausted"),
            Fault::SpendLimit => no_money("project_spend_limit_exceeded"),
            Fault::Moderation => moderation(),
            Fault::BadImage => Refusal::invalid(
                "invalid_image_file",
                "Invalid image file or mode for image 1, please check your image file.",
            )
            .about("image"),
            Fault::BadKey => bad_key(),
            Fault::NotVerified => Refusal::new(
                StatusCode::FORBIDDEN,
                "invalid_request_error",
                None,
                "Your organization must be verified to use this model.",
            ),
            Fault::Overload => Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "server_error",
                Some("overloaded"),
                "The engine is currently overloaded, please try again later.",
            ),
            Fault::ServerError => Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                Some("server_error"),
                "The server had an error while processing your request. Sorry about that!",
            ),
            Fault::BadGateway => return Some(gateway(StatusCode::BAD_GATEWAY)),
            Fault::GatewayTimeout
            | Fault::Slow
            | Fault::Cut
            | Fault::CutAnswer
            | Fault::Garbage
            | Fault::EmptyData
            | Fault::TruncatedImage
            | Fault::WrongFormat => return None,
        };
        Some(refusal.into_response())
    }

    fn wait(self, code: &'static str, message: &str) -> Refusal {
        let wait = Duration::from_secs(self.seconds.unwrap_or(1).min(MAX_HOLD));
        let mut refusal = rate_limited(wait);
        refusal.code = Some(code);
        message.clone_into(&mut refusal.message);
        refusal
    }
}

/// The 429 of a full bucket.
pub(crate) fn rate_limited(wait: Duration) -> Refusal {
    let mut refusal = Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        "requests",
        Some("rate_limit_exceeded"),
        format!(
            "Rate limit reached for images per minute. Please try again in {}ms.",
            wait.as_millis()
        ),
    );
    refusal.retry_after = Some(wait);
    refusal
}

/// The 401 of a key that is no key.
pub(crate) fn bad_key() -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        "invalid_request_error",
        Some("invalid_api_key"),
        "Incorrect API key provided.",
    )
}

fn no_money(code: &'static str) -> Refusal {
    Refusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        "insufficient_quota",
        Some(code),
        "You exceeded your current quota, please check your plan and billing details.",
    )
}

fn moderation() -> Refusal {
    let mut refusal = Refusal::new(
        StatusCode::BAD_REQUEST,
        "image_generation_user_error",
        Some("moderation_blocked"),
        "Your request was rejected by the safety system.",
    );
    let details = json!({ "moderation_stage": "input", "categories": ["violence"] });
    refusal.details = Some(Box::new(details));
    refusal
}

/// What the proxy in front of the real API says, which is not JSON.
pub(crate) fn gateway(status: StatusCode) -> Response {
    (
        status,
        Html(format!(
            "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
        )),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: ImageHash = ImageHash([7; 32]);

    fn names(
        faults: &mut Faults,
        prompt: &str,
        image: ImageHash,
        calls: usize,
    ) -> Vec<&'static str> {
        (0..calls)
            .map(|_| {
                faults
                    .strike(prompt, image)
                    .unwrap()
                    .map_or("-", Strike::name)
            })
            .collect()
    }

    #[test]
    fn markers_count_per_prompt_and_picture() {
        let mut faults = Faults::default();
        let prompt = "blue [[fault:rate_limit:2]] [[fault:server_error:1]]";
        assert_eq!(
            names(&mut faults, prompt, IMAGE, 4),
            ["rate_limit", "rate_limit", "server_error", "-"]
        );
        assert_eq!(
            names(&mut faults, prompt, ImageHash([8; 32]), 1),
            ["rate_limit"]
        );
        assert_eq!(
            names(&mut faults, "red [[fault:cut]]", IMAGE, 3),
            ["cut"; 3]
        );
        assert_eq!(names(&mut faults, "no marker", IMAGE, 2), ["-"; 2]);
    }

    #[test]
    fn names_are_those_of_the_wire() {
        let nobody: StrDeserializer<'_, NameError> = "".into_deserializer();
        // It lists all that there are.
        let refusal = Fault::deserialize(nobody).unwrap_err().to_string();
        let known = refusal.split('`').skip(3).step_by(2);
        assert!(known.eq(fault_names()), "{refusal}");
    }

    #[test]
    fn markers_are_parsed_strictly() {
        let slow = |seconds, count| Marker {
            strike: Strike {
                fault: Fault::Slow,
                seconds,
            },
            count,
        };
        for (text, expected) in [
            ("slow", Some(slow(None, None))),
            ("slow:3", Some(slow(Some(3), None))),
            ("slow:3:1", Some(slow(Some(3), Some(1)))),
            ("slow:3:1:1", None),
            ("cut:x", None),
            ("cut:1:1", None),
            ("Cut", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!(
            markers("[[fault:nonsense]]").unwrap_err().code,
            Some("unknown_fault")
        );
        assert_eq!(
            markers("[[fault:cut").unwrap_err().code,
            Some("unknown_fault")
        );
        assert_eq!(without_markers("a [[fault:cut]]b[[fault:slow:1]]"), "a b");
    }

    #[test]
    fn rules_strike_where_they_match() {
        let mut faults = Faults::default();
        let rule = |json: serde_json::Value| serde_json::from_value::<Rule>(json).unwrap();
        assert!(faults.add(rule(
            json!({"name": "overload", "count": 1, "match": "test-7"})
        )));
        assert_eq!(names(&mut faults, "other", IMAGE, 1), ["-"]);
        assert_eq!(
            names(&mut faults, "blue test-7", IMAGE, 2),
            ["overload", "-"]
        );
        assert!(faults.add(rule(json!({"name": "garbage", "match": "a"}))));
        assert!(faults.add(rule(json!({"name": "cut", "match": "b"}))));
        faults.clear(Some("a"));
        assert_eq!(names(&mut faults, "a b", IMAGE, 2), ["cut", "cut"]);
        faults.clear(None);
        assert!(faults.rules().is_empty());
    }
}
