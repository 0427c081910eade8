//! The calls to Polar's API, over HTTP/1.1, with TLS by ring and the roots of Mozilla compiled in.
//!
//! They follow no redirect, use no proxy, repeat nothing, and log nothing. The access token comes with each call, because
//! it may be replaced while this process lives.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect, retry,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use thiserror::Error;

use crate::Metadata;

/// For a whole call; API Gateway waits for 30 seconds, and somebody waits behind it.
const TIMEOUT: Duration = Duration::from_secs(15);
/// For the connection alone, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// No wait that Polar asks for is taken to be longer.
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// A client of one Polar: the real one, or its sandbox. Make one per process and share it.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
}

/// Why no client can be made.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The address cannot be called.
    #[error(
        "Polar's base URL {0:?} is not an http(s) address without credentials, query and fragment"
    )]
    BaseUrl(String),
    /// The TLS library did not accept the settings compiled into us.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP library did not accept the settings compiled into us.
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

/// Why a call did not do what it was for.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Polar would refuse the same request again: it names what Polar does not have, or has another form than Polar takes.
    #[error("Polar refused the request with {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// Polar does not accept the access token.
    #[error("Polar does not accept the access token, or not for this")]
    Unauthorised,
    /// Polar cannot do it now: too many requests, an error of its own, or no answer.
    #[error("Polar is not available{}", .status.map(|status| format!(": it answered {status}")).unwrap_or_default())]
    Unavailable {
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// When to ask again, if Polar said so.
        retry_after: Option<Duration>,
        /// What became of the connection, if there was no answer.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// A success that cannot be read.
    #[error("Polar's answer is not what this was written for")]
    Unreadable(#[source] serde_json::Error),
}

/// Somebody who wants to buy.
#[derive(Clone, Copy, Debug)]
pub struct NewCheckout<'a> {
    /// What.
    pub product_id: &'a str,
    /// Who, in our own words; the order will say so again.
    pub user_id: &'a str,
    /// Their address, which they need not type again.
    pub email: &'a str,
    /// Where Polar sends them once they have paid; may hold `{CHECKOUT_ID}`.
    pub success_url: &'a str,
    /// Where a way back leads.
    pub return_url: &'a str,
}

#[derive(Serialize)]
struct CheckoutBody<'a> {
    products: [&'a str; 1],
    external_customer_id: &'a str,
    customer_email: &'a str,
    metadata: Metadata,
    success_url: &'a str,
    return_url: &'a str,
}

/// A page to pay on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Checkout {
    /// Polar's id of it.
    pub id: String,
    /// Where it is.
    pub url: String,
}

#[derive(Serialize)]
struct PortalBody<'a> {
    external_customer_id: &'a str,
    return_url: &'a str,
}

/// A way into Polar's customer portal: whoever has the address is let in.
#[derive(Clone, Deserialize)]
pub struct PortalSession {
    /// Where it is.
    pub customer_portal_url: String,
}

/// Some of the orders that were paid, oldest first.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct OrdersPage {
    /// As Polar has them; each is to be read by itself as an [`Order`](crate::Order), so that one that has another form
    /// than we know does not hide the others.
    pub items: Vec<Value>,
    /// How many there are.
    pub pagination: Pagination,
}

/// How far a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Pagination {
    /// Orders on all pages.
    pub total_count: u64,
    /// The number of the last page, from 1.
    pub max_page: u32,
}

impl Client {
    /// A client of the Polar at this address, without the API's version. Opens no connection.
    pub fn new(base_url: &str) -> Result<Self, ConfigError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls()?)
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // An idle connection dies while Lambda has us frozen.
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("batch-image-edit/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ConfigError::Http)?;
        Ok(Self {
            http,
            base: base(base_url)?,
        })
    }

    /// Opens a page to pay on.
    pub async fn create_checkout(
        &self,
        token: &str,
        checkout: &NewCheckout<'_>,
    ) -> Result<Checkout, ClientError> {
        let body = CheckoutBody {
            products: [checkout.product_id],
            external_customer_id: checkout.user_id,
            customer_email: checkout.email,
            metadata: Metadata {
                user_id: Some(checkout.user_id.to_owned()),
            },
            success_url: checkout.success_url,
            return_url: checkout.return_url,
        };
        let call = self.http.request(Method::POST, self.url("/v1/checkouts/"));
        answer(call.json(&body), token).await
    }

    /// Opens a way into the customer portal. [`ClientError::Refused`]: this user has never bought anything.
    pub async fn create_portal_session(
        &self,
        token: &str,
        user_id: &str,
        return_url: &str,
    ) -> Result<PortalSession, ClientError> {
        let body = PortalBody {
            external_customer_id: user_id,
            return_url,
        };
        let call = self
            .http
            .request(Method::POST, self.url("/v1/customer-sessions/"));
        answer(call.json(&body), token).await
    }

    /// Orders that were paid, whatever was given back since, and that were made after a time (RFC 3339).
    ///
    /// Oldest first, so that orders which come while the pages are read appear on the last one and move none.
    pub async fn orders(
        &self,
        token: &str,
        created_after: &str,
        page: u32,
    ) -> Result<OrdersPage, ClientError> {
        let mut url = self.url("/v1/orders/");
        url.query_pairs_mut()
            .append_pair("created_after", created_after)
            .append_pair("status", "paid")
            .append_pair("status", "refunded")
            .append_pair("status", "partially_refunded")
            .append_pair("sorting", "created_at")
            .append_pair("limit", "100")
            .append_pair("page", &page.to_string());
        answer(self.http.request(Method::GET, url), token).await
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        url
    }
}

fn base(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    url.ok_or_else(|| ConfigError::BaseUrl(text.to_owned()))
}

async fn answer<T: DeserializeOwned>(call: RequestBuilder, token: &str) -> Result<T, ClientError> {
    let call = call.header(AUTHORIZATION, bearer(token)?);
    let response = call.send().await.map_err(unanswered)?;
    refusal(&response)?;
    let body = response.bytes().await.map_err(unanswered)?;
    serde_json::from_slice(&body).map_err(ClientError::Unreadable)
}

/// A secret may end in a newline; what cannot be a header's value is no token of Polar's.
fn bearer(token: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.trim()))
        .map_err(|_no_header| ClientError::Unauthorised)?;
    value.set_sensitive(true);
    Ok(value)
}

/// What Polar says of a request that it did not carry out; its words may quote what we sent and are not kept.
fn refusal(response: &Response) -> Result<(), ClientError> {
    let status = response.status();
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(ClientError::Unauthorised),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Err(unavailable(status, response.headers()))
        }
        _ if status.is_client_error() => Err(ClientError::Refused {
            status: status.as_u16(),
        }),
        // A redirect, too: this is not where Polar is.
        _ => Err(unavailable(status, response.headers())),
    }
}

fn unavailable(status: StatusCode, headers: &HeaderMap) -> ClientError {
    let seconds = headers.get(RETRY_AFTER).and_then(|wait| wait.to_str().ok());
    let wait = seconds.and_then(|seconds| seconds.trim().parse().ok());
    ClientError::Unavailable {
        status: Some(status.as_u16()),
        retry_after: wait.map(|wait| Duration::from_secs(wait).min(LONGEST_WAIT)),
        source: None,
    }
}

fn unanswered(error: reqwest::Error) -> ClientError {
    ClientError::Unavailable {
        status: None,
        retry_after: None,
        source: Some(error.without_url()),
    }
}

fn tls() -> Result<ClientConfig, ConfigError> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(ConfigError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_hang_below_the_base_url() {
        for (base, expected) in [
            ("https://api.polar.sh", "https://api.polar.sh/v1/orders/"),
            (
                "http://localhost:9/polar/",
                "http://localhost:9/polar/v1/orders/",
            ),
        ] {
            assert_eq!(
                Client::new(base).unwrap().url("/v1/orders/").as_str(),
                expected
            );
        }
        for bad in [
            "",
            "api.polar.sh",
            "ftp://polar.sh",
            "https://a:b@polar.sh",
            "https://polar.sh?x",
            "https://polar.sh#x",
        ] {
            assert!(Client::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let value = bearer(" polar_oat_secret\n").unwrap();
        assert_eq!(value.to_str().unwrap(), "Bearer polar_oat_secret");
        assert!(!format!("{value:?}").contains("secret"));
        assert!(matches!(bearer("a\nb"), Err(ClientError::Unauthorised)));
    }
}
