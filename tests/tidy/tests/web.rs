//! What the template and the web app both say: where people come back to from signing in, and what a page may do.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;
use tidy::{Faults, Template, at, each, read};

const COGNITO: &str = "web/src/features/account/cognito.ts";
const ROUTES: &str = "web/src/app.tsx";

#[test]
fn sign_in_with_google_comes_back_to_a_page() -> Result<()> {
    let template = Template::load()?;
    let mut clients = template.of_type("AWS::Cognito::UserPoolClient");
    let client = clients.next().context("the template has no client")?;
    // With Google, and without.
    let allowed = |property| each(at(client.property(property), &["Fn::If"])).nth(1);
    let app = read(COGNITO)?;
    let mut faults = Faults::new();
    for (property, name) in [
        ("CallbackURLs", "redirectSignIn"),
        ("LogoutURLs", "redirectSignOut"),
    ] {
        let urls: Vec<_> = allowed(property).map(each).context(property)?.collect();
        let [url] = urls.as_slice() else {
            faults.found(format!("{property} is not one address"));
            continue;
        };
        let path = at(url, &["Fn::Sub"])
            .as_str()
            .and_then(|url| url.strip_prefix("${WebOrigin}"));
        let path = path.with_context(|| format!("{property} is not at WebOrigin"))?;
        faults.unless(
            app.contains(&format!("{name}: [`${{location.origin}}{path}`]")),
            format!("{COGNITO}: {name} is not {path}, which the template's {property} allows"),
        );
        let route = path.trim_start_matches('/');
        faults.unless(
            route.is_empty() || read(ROUTES)?.contains(&format!("path=\"{route}\"")),
            format!("{ROUTES} has no page at {path}"),
        );
    }
    let scopes: BTreeSet<_> = allowed("AllowedOAuthScopes")
        .into_iter()
        .flat_map(each)
        .filter_map(Value::as_str)
        .collect();
    let list = app
        .split_once("scopes: [")
        .and_then(|(_, rest)| rest.split_once(']'));
    let (list, _) = list.with_context(|| format!("{COGNITO} asks for no scopes"))?;
    let asked: BTreeSet<_> = list
        .split(',')
        .map(|scope| scope.trim().trim_matches('"'))
        .collect();
    faults.unless(
        asked == scopes,
        format!("{COGNITO} asks for {asked:?}, the template's AllowedOAuthScopes are {scopes:?}"),
    );
    faults.none_or("Make both say the same: Cognito refuses an address or a scope that its client does not name.")
}

#[test]
fn a_page_may_do_the_same_at_home_and_in_aws() -> Result<()> {
    let template = Template::load()?;
    let mut policies = template.of_type("AWS::CloudFront::ResponseHeadersPolicy");
    let headers = policies
        .next()
        .context("the template has no headers for pages")?;
    let config = headers.property("ResponseHeadersPolicyConfig");
    let security = at(config, &["SecurityHeadersConfig"]);
    let sent = at(
        security,
        &["ContentSecurityPolicy", "ContentSecurityPolicy", "Fn::Sub"],
    );
    let outputs = template.section("Outputs");
    let told = at(outputs, &["ContentSecurityPolicy", "Value", "Fn::Sub"]);
    let mut faults = Faults::new();
    faults.unless(
        sent.is_string() && sent == told,
        "PageHeaders and the output ContentSecurityPolicy differ",
    );
    let door = read("infra/front-door/src/files.rs")?;
    for item in each(at(config, &["CustomHeadersConfig", "Items"])) {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        let (name, value) = (text("Header"), text("Value"));
        faults.unless(
            door.contains(&format!("\"{}\"", name.to_lowercase()))
                && door.contains(&format!("\"{value}\"")),
            format!("the front door does not send {name}: {value}"),
        );
    }
    faults.none_or("What works at home has to work in AWS: let both send the same headers.")
}
