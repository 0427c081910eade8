//! The OpenAPI document of the HTTP API.
//!
//! Its schemas are derived from the types of `api`, its problems are made by `edge`, its limits are those of `domain`.
//! What no type knows is written here: which route takes and answers which of them, and in which words. The tests hold
//! all of it against the template's routes, against what serde does, and against the checked-in `openapi.json`.

mod examples;
mod operations;
mod problems;
mod schemas;
#[cfg(test)]
mod tests;

use anyhow::Result;
use utoipa::openapi::{
    InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, SecurityRequirement, ServerBuilder,
    tag::TagBuilder,
};

/// The name of the security scheme.
const ID_TOKEN: &str = "idToken";

const DESCRIPTION: &str = "\
Edits many photos by one wish: ask for upload links, put the photos there, submit a batch, follow it.

**Signing in.** Every request carries a Cognito **ID token** as a bearer token. Access tokens are refused, because they \
carry no e-mail address.

**Problems.** Every error is `application/problem+json` (RFC 9457) with a stable `code` for programs, a `detail` that \
tells people what to do, and for bad input the JSON pointer of each fault. The gateway in front of the API refuses some \
requests by itself (no valid token, a path that does not exist, more than 10 MB, no answer within 30 seconds) and says \
`{\"message\": \"...\"}` instead.

**Another's things.** What belongs to somebody else is answered exactly like what does not exist.

**Reading answers.** Times are RFC 3339 in UTC. Credits are whole numbers. Fields and words are only ever added: leave \
alone what you do not know. A field without a value is left out, never `null`.";

/// The document.
pub fn document() -> Result<OpenApi> {
    let license = LicenseBuilder::new()
        .name("MIT License")
        .identifier(Some(env!("CARGO_PKG_LICENSE")))
        .build();
    let info = InfoBuilder::new()
        .title("Batch Image Edit")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license))
        .build();
    let server = ServerBuilder::new()
        .url("/")
        .description(Some("The origin of the web app"))
        .build();
    let tags = operations::TAGS.map(|(name, description)| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    });
    Ok(OpenApiBuilder::new()
        .info(info)
        .servers(Some([server]))
        .paths(operations::paths()?)
        .components(Some(schemas::components()?))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>(
            ID_TOKEN,
            [],
        )]))
        .tags(Some(tags))
        .build())
}
