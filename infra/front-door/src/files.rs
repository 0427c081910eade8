//! The web page: files of a folder, and its `index.html` for the paths that the page routes itself, with the headers
//! that the template's `PageHeaders` adds in AWS (but for the one that insists on TLS).

use std::io::{ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Response};
use flate2::Compression;
use flate2::bufread::GzEncoder;

/// Where the page's `config.json` is, which says where it signs people in; beside `index.html` in AWS.
const CONFIG: &str = "config.json";

const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// A page that has been built.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Its files.
    pub(crate) folder: PathBuf,
    /// What to answer for its `config.json`.
    pub(crate) config: Option<PathBuf>,
    /// What it may do: its `Content-Security-Policy`.
    pub(crate) policy: Option<HeaderValue>,
}

/// The page, or what is shown without one.
#[derive(Clone)]
pub(crate) struct Files {
    page: Option<Arc<Page>>,
    placeholder: Arc<str>,
}

impl Files {
    /// `url` is where the front door is, for what is shown without a page.
    pub(crate) fn new(page: Option<Page>, url: &str) -> Self {
        Self {
            page: page.map(Into::into),
            placeholder: placeholder(url).into(),
        }
    }

    /// The answer to a request for a path outside the API.
    pub(crate) async fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return (
                StatusCode::METHOD_NOT_ALLOWED,
                [(header::ALLOW, "GET, HEAD")],
            )
                .into_response();
        }
        let Some(page) = &self.page else {
            return if uri.path() == "/" {
                Html(self.placeholder.to_string()).into_response()
            } else {
                not_found()
            };
        };
        let Some(file) = file_for(uri.path()) else {
            return not_found();
        };
        match tokio::fs::read(page.path_of(&file)).await {
            Ok(content) => {
                // Names of built assets hold a hash of their content; everything else may change with the next build.
                let caching = if file.starts_with("assets") {
                    "public, max-age=31536000, immutable"
                } else {
                    "no-cache"
                };
                let kind = content_type(&file);
                let zipped = (takes_gzip(headers) && shrinks(kind))
                    .then(|| gzip(&content).ok())
                    .flatten();
                let is_zipped = zipped.is_some();
                let mut response = (
                    [
                        (header::CONTENT_TYPE, kind),
                        (header::CACHE_CONTROL, caching),
                        (header::VARY, "accept-encoding"),
                    ],
                    ALWAYS,
                    zipped.unwrap_or(content),
                )
                    .into_response();
                if is_zipped {
                    let (name, value) =
                        (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                    response.headers_mut().insert(name, value);
                }
                if let Some(policy) = &page.policy {
                    let name = header::CONTENT_SECURITY_POLICY;
                    response.headers_mut().insert(name, policy.clone());
                }
                response
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory
                ) =>
            {
                not_found()
            }
            Err(error) => {
                eprintln!("cannot read {}: {error}", file.display());
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

impl Page {
    fn path_of(&self, file: &Path) -> PathBuf {
        match &self.config {
            Some(config) if file == Path::new(CONFIG) => config.clone(),
            _ => self.folder.join(file),
        }
    }
}

/// `CloudFront` compresses what shrinks, too.
fn shrinks(content_type: &str) -> bool {
    content_type.starts_with("text/")
        || ["json", "svg+xml", "wasm"]
            .iter()
            .any(|end| content_type.ends_with(end))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|encodings| encodings.to_str().ok())
        .is_some_and(|encodings| {
            encodings
                .split(',')
                .any(|encoding| encoding.trim() == "gzip")
        })
}

fn gzip(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut zipped = Vec::new();
    GzEncoder::new(content, Compression::default()).read_to_end(&mut zipped)?;
    Ok(zipped)
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "not found\n").into_response()
}

/// The file of a path, below the folder; a path without an extension is one of the page's own.
fn file_for(path: &str) -> Option<PathBuf> {
    let path = percent_decoded(path)?;
    let relative = PathBuf::from(path.trim_start_matches('/'));
    if !relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return None;
    }
    Some(if relative.extension().is_some() {
        relative
    } else {
        PathBuf::from("index.html")
    })
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let (high, low) = (
                char::from(rest.next()?).to_digit(16)?,
                char::from(rest.next()?).to_digit(16)?,
            );
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

fn content_type(file: &Path) -> &'static str {
    match file
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
    {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "jpg" | "jpeg" => "image/jpeg",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

fn placeholder(url: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Batch Image Edit</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 4rem auto; max-width: 40rem; padding: 0 1rem }}</style>
<h1>Batch Image Edit is running</h1>
<p>The API is at <a href="/api/account"><code>{url}/api/</code></a>; it wants a sign-in.
<p>The web page has not been built. From the command line, <code>cargo xtask demo</code> edits photographs;
<code>README.md</code> says the rest.
</html>
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(file_for(path), expected.map(PathBuf::from), "{path}");
    }

    #[test]
    fn paths_become_files_below_the_folder() {
        check("/", Some("index.html"));
        check("/batches/abc", Some("index.html"));
        check("/assets/app-1.js", Some("assets/app-1.js"));
        check("/a%20b.png", Some("a b.png"));
        check("/../secret.txt", None);
        check("/%2e%2e/secret.txt", None);
        check("/a/%2e%2e/%2e%2e/secret.txt", None);
        check("//etc/passwd.txt", Some("etc/passwd.txt"));
        check("/%", None);
        check("/a%00.txt", None);
    }
}
