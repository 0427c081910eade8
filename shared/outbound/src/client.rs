//! The call itself: to the addresses that were judged and no others, without redirects or proxies, and with nothing of the
//! answer but its status.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    header::CONTENT_TYPE,
    redirect, retry,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::{Target, Targets};

/// For the connection alone, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// For the whole call.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Calls what users name.
#[derive(Clone, Debug)]
pub struct Client(reqwest::Client);

/// The libraries did not accept the settings compiled into us.
#[derive(Debug, thiserror::Error)]
pub enum SetupFailed {
    /// Of TLS.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    /// Of HTTP.
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

/// There was no answer. Its text does not hold the address, which may hold a token.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
pub struct CallFailed(#[source] reqwest::Error);

/// A name that stands for an address inside.
#[derive(Debug, thiserror::Error)]
#[error("the host is not on the public internet")]
struct NotPublic;

impl Client {
    /// Calls these targets.
    pub fn new(targets: Targets) -> Result<Self, SetupFailed> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls().map_err(SetupFailed::Tls)?)
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .dns_resolver(Resolver(targets))
            // The next call may be to anybody, and long from now.
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .timeout(TIMEOUT)
            .user_agent(concat!("batch-image-edit/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(Self).map_err(SetupFailed::Http)
    }

    /// Posts JSON; the answer's status. The rest of the answer is not read.
    pub async fn post(
        &self,
        target: &Target,
        headers: &[(&str, &str)],
        json: String,
    ) -> Result<u16, CallFailed> {
        let mut request = self.0.post(target.url().clone());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(json);
        let answer = request.send().await;
        let answer = answer.map_err(|error| CallFailed(error.without_url()))?;
        Ok(answer.status().as_u16())
    }
}

/// Resolves names to addresses that may be called. The connection goes to what this answers, so that nobody can give one
/// address to be judged and another to be called. An address in place of a name does not come by here: its text was judged.
struct Resolver(Targets);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let targets = self.0;
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(judged(found, targets)?)
        })
    }
}

/// The addresses, if all of them may be called: who mixes in one that may not means no good.
fn judged(addresses: Vec<SocketAddr>, targets: Targets) -> Result<Addrs, NotPublic> {
    if addresses.iter().all(|it| targets.include(it.ip())) {
        Ok(Box::new(addresses.into_iter()))
    } else {
        Err(NotPublic)
    }
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{any, body_string, header, path},
    };

    use super::*;

    #[tokio::test]
    async fn what_is_posted_arrives_and_only_the_status_comes_back() {
        let server = MockServer::start().await;
        Mock::given(path("/hook"))
            .and(header("webhook-id", "1"))
            .and(header("content-type", "application/json"))
            .and(body_string("{}"))
            .respond_with(ResponseTemplate::new(202).set_body_bytes(vec![b'x'; 10_000_000]))
            .expect(1)
            .mount(&server)
            .await;
        let target =
            Target::parse(&format!("{}/hook", server.uri()), Targets::PublicOrLoopback).unwrap();
        let client = Client::new(Targets::PublicOrLoopback).unwrap();
        let status = client.post(&target, &[("webhook-id", "1")], "{}".to_owned());
        assert_eq!(status.await.unwrap(), 202);
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_no_way() {
        let server = MockServer::start().await;
        let elsewhere = ResponseTemplate::new(307).insert_header("location", "/elsewhere");
        Mock::given(any())
            .respond_with(elsewhere)
            .expect(1)
            .mount(&server)
            .await;
        let target = Target::parse(&server.uri(), Targets::PublicOrLoopback).unwrap();
        let client = Client::new(Targets::PublicOrLoopback).unwrap();
        let status = client.post(&target, &[], "{}".to_owned()).await.unwrap();
        assert_eq!(status, 307);
    }

    #[tokio::test]
    async fn at_home_a_name_may_stand_for_this_machine() {
        let server = MockServer::start().await;
        let port = server.address().port();
        let url = format!("http://localhost:{port}/");
        let target = Target::parse(&url, Targets::PublicOrLoopback).unwrap();
        let client = Client::new(Targets::PublicOrLoopback).unwrap();
        let status = client.post(&target, &[], "{}".to_owned()).await.unwrap();
        assert_eq!(status, 404);
    }

    #[tokio::test]
    async fn a_name_that_stands_for_an_address_inside_is_not_called() {
        let server = MockServer::start().await;
        let port = server.address().port();
        let target = Target::unchecked(&format!("http://localhost:{port}/?token=1"));
        let client = Client::new(Targets::Public).unwrap();
        let failed = client
            .post(&target, &[], "{}".to_owned())
            .await
            .unwrap_err();
        assert!(server.received_requests().await.unwrap().is_empty());
        let causes = causes(&failed);
        assert!(causes.contains(&NotPublic.to_string()), "{causes}");
        assert!(!causes.contains("token"), "{causes}");
    }

    fn causes(error: &dyn Error) -> String {
        let cause = error.source().map(causes).unwrap_or_default();
        format!("{error}: {cause}")
    }

    #[test]
    fn one_address_inside_spoils_all() {
        use Targets::{Public, PublicOrLoopback};
        let check = |addresses: &[&str], targets, expected| {
            let parsed = addresses.iter().map(|it| it.parse().unwrap()).collect();
            assert_eq!(judged(parsed, targets).is_ok(), expected, "{addresses:?}");
        };
        check(&["1.1.1.1:443"], Public, true);
        check(&["1.1.1.1:443", "10.0.0.1:443"], Public, false);
        check(&["127.0.0.1:443"], Public, false);
        check(
            &["127.0.0.1:80", "[::1]:80", "1.1.1.1:80"],
            PublicOrLoopback,
            true,
        );
        check(&["127.0.0.1:443", "10.0.0.1:443"], PublicOrLoopback, false);
        check(&["169.254.169.254:80"], PublicOrLoopback, false);
    }
}
