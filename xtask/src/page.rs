//! What the web page is told at home: the template's own outputs, with the engine where AWS would be.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

/// Where AWS's own services are.
const AWS: &str = ".amazonaws.com";

/// `config.json`: where the page signs people in.
pub(crate) fn config(outputs: &BTreeMap<String, String>, engine: &str) -> Result<String> {
    let config = outputs.get("WebConfig");
    let config = config.context("the template has no output WebConfig")?;
    let mut config: Map<String, Value> =
        serde_json::from_str(config).context("the output WebConfig")?;
    config.insert("cognitoEndpoint".to_owned(), Value::from(engine));
    Ok(Value::from(config).to_string())
}

/// `Content-Security-Policy`: photos and sign-in are at the engine.
pub(crate) fn policy(outputs: &BTreeMap<String, String>, engine: &str) -> Result<String> {
    let policy = outputs.get("ContentSecurityPolicy");
    let policy = policy.context("the template has no output ContentSecurityPolicy")?;
    let words = policy.split(' ').map(|word| {
        let (host, end) = word
            .strip_suffix(';')
            .map_or((word, ""), |host| (host, ";"));
        let is_aws = host.starts_with("https://") && host.ends_with(AWS);
        if is_aws {
            format!("{engine}{end}")
        } else {
            word.to_owned()
        }
    });
    Ok(words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: &str = "http://127.0.0.1:4566";

    fn outputs(name: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn the_engine_is_where_aws_would_be() {
        let outputs = outputs(
            "ContentSecurityPolicy",
            "img-src 'self' https://photos.s3.us-east-1.amazonaws.com; connect-src 'self' \
             https://cognito-idp.us-east-1.amazonaws.com; form-action 'self'",
        );
        assert_eq!(
            policy(&outputs, ENGINE).unwrap(),
            "img-src 'self' http://127.0.0.1:4566; connect-src 'self' http://127.0.0.1:4566; form-action 'self'"
        );
    }

    #[test]
    fn the_page_signs_people_in_at_the_engine() {
        let outputs = outputs("WebConfig", r#"{"clientId":"c","googleSignIn":false}"#);
        assert_eq!(
            config(&outputs, ENGINE).unwrap(),
            r#"{"clientId":"c","cognitoEndpoint":"http://127.0.0.1:4566","googleSignIn":false}"#
        );
    }
}
