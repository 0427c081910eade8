//! What goes wrong, and for whom: settings by customer, so that tests that run side by side do not meet.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;

/// Stands for everybody who has no settings of their own, and for requests that are about nobody in particular.
pub(super) const EVERYBODY: &str = "*";

/// How a customer fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Settings {
    /// Whether webhooks are delivered at all; those that are not can be sent later by `/_control/webhooks/{id}/resend`.
    pub(super) webhooks: bool,
    /// Deliveries of each event beyond the one.
    pub(super) duplicates: usize,
    /// How long an event waits before it is delivered.
    pub(super) delay_ms: u64,
    /// What the API answers to everything.
    pub(super) outage: Option<Outage>,
    /// What comes on top of a price.
    pub(super) tax_percent: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            webhooks: true,
            duplicates: 0,
            delay_ms: 0,
            outage: None,
            tax_percent: 10,
        }
    }
}

/// An API that is out of order (503) or has been asked too often (429).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Outage {
    /// Of the answer.
    status: u16,
    /// The header of that name, in seconds.
    retry_after: Option<u64>,
}

/// The settings of all customers, by the ids that the seller's system gave them.
#[derive(Debug, Default)]
pub(super) struct AllSettings(HashMap<String, Settings>);

impl AllSettings {
    /// Those of a customer.
    pub(super) fn of(&self, customer: Option<&str>) -> Settings {
        let own = customer.and_then(|customer| self.0.get(customer));
        own.or_else(|| self.0.get(EVERYBODY))
            .cloned()
            .unwrap_or_default()
    }

    /// Refuses a request that is about a customer for whom nothing works.
    pub(super) fn check_outage(&self, customer: Option<&str>) -> Result<(), Refusal> {
        self.of(customer).outage.map_or(Ok(()), |outage| {
            let status = StatusCode::from_u16(outage.status);
            let status = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            Err(Refusal::outage(status, outage.retry_after))
        })
    }

    /// Replaces those of a customer.
    pub(super) fn put(&mut self, customer: String, settings: Settings) {
        self.0.insert(customer, settings);
    }

    /// Back to what is usual.
    pub(super) fn forget(&mut self, customer: &str) {
        self.0.remove(customer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_own_settings_come_first() {
        let mut all = AllSettings::default();
        let off = Settings {
            webhooks: false,
            ..Settings::default()
        };
        all.put(EVERYBODY.to_owned(), off.clone());
        all.put("anna".to_owned(), Settings::default());
        assert_eq!(all.of(Some("anna")), Settings::default());
        assert_eq!(all.of(Some("bert")), off);
        assert_eq!(all.of(None), off);
        all.forget(EVERYBODY);
        assert_eq!(all.of(Some("bert")), Settings::default());
    }
}
