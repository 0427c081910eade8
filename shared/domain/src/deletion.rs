//! What travels from the wish to be forgotten to who fulfils it.

use serde::{Deserialize, Serialize};

use crate::UserId;

/// Somebody who wants to be forgotten: a message of the deletion queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// Whose photos and records.
    pub user: UserId,
    /// What they sign in as, for the user pool: the user id, too, unless another service signs them in.
    pub username: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_has_the_shape_that_the_events_show() {
        let json =
            r#"{"user":"7b9f6f5e-3c55-4d0a-9a2e-7f6c0d1e2a3b","username":"google_1234567890"}"#;
        let deletion: Deletion = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&deletion).unwrap(), json);
    }
}
