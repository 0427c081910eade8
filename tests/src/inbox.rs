//! What Resend's stand-in has been given for somebody.

use serde_json::Value;

use crate::{Stack, wait_for};

/// The mails that somebody got, oldest first.
pub async fn inbox(stack: &Stack, email: &str) -> Vec<Value> {
    let url = format!("{}/inbox.json", stack.stand_ins.resend);
    let url = reqwest::Url::parse_with_params(&url, [("to", email)]).unwrap();
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// Waits for the mail whose subject begins like this.
pub async fn mail(stack: &Stack, email: &str, subject: &str) -> Value {
    wait_for(&format!("the mail {subject:?}"), async || {
        let mails = inbox(stack, email).await;
        let is_it = |mail: &Value| mail["subject"].as_str().unwrap().starts_with(subject);
        mails.into_iter().find(is_it)
    })
    .await
}
