//! The front door as a whole, between a client and a small API, both real.

use std::convert::Infallible;
use std::io::Read as _;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpSocket;

use super::*;

const PREFIX: &str = "/_aws/execute-api/abc/$default";
const LIMIT: usize = 1000;

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    url
}

async fn front_door(upstream: &str, page: Option<Page>) -> String {
    let api = Api::new(
        &format!("{upstream}{PREFIX}"),
        LIMIT,
        Duration::from_secs(5),
    )
    .unwrap();
    serve(router(api, Files::new(page, "http://here"))).await
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn send(request: Request) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

async fn get(url: String) -> Answer {
    send(Request::get(url).body(Body::empty()).unwrap()).await
}

/// Says what it was asked.
async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header = |name| {
        parts
            .headers
            .get(name)
            .map_or("-", |value| value.to_str().unwrap())
            .to_owned()
    };
    let seen = format!(
        "{} {} auth={} host={} te={} x-hop={} x-own={} body={}",
        parts.method,
        parts.uri,
        header(AUTHORIZATION.as_str()),
        header(HOST.as_str()),
        header("te"),
        header("x-hop"),
        header("x-own"),
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap(),
    );
    (
        StatusCode::ACCEPTED,
        [("x-from", "upstream"), ("keep-alive", "timeout=5")],
        seen,
    )
        .into_response()
}

#[tokio::test]
async fn passes_requests_and_answers_on() {
    let upstream = serve(Router::new().fallback(echo)).await;
    let door = front_door(&upstream, None).await;
    let request = Request::put(format!("{door}/api/batch/a%20b/status?x=1&y=%2F"))
        .header(AUTHORIZATION, "Bearer t")
        .header("te", "trailers")
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .header("x-own", "2")
        .body(Body::from("photo"))
        .unwrap();
    let answer = send(request).await;
    let host = upstream.strip_prefix("http://").unwrap();
    assert_eq!(
        answer.body,
        format!(
            "PUT {PREFIX}/api/batch/a%20b/status?x=1&y=%2F auth=Bearer t host={host} te=- x-hop=- x-own=2 body=photo"
        )
    );
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.headers["x-from"], "upstream");
    assert!(!answer.headers.contains_key("keep-alive"));
}

#[tokio::test]
async fn an_answer_arrives_before_its_end() {
    async fn endless() -> Body {
        let first = futures::stream::once(async { Ok::<_, Infallible>(Bytes::from("first")) });
        Body::from_stream(first.chain(futures::stream::pending()))
    }
    let door = front_door(&serve(Router::new().fallback(endless)).await, None).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(format!("{door}/api"))
        .body(Body::empty())
        .unwrap();
    let mut body = client.request(request).await.unwrap().into_body();
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "first"
    );
}

#[tokio::test]
async fn a_body_that_an_http_api_would_not_take_is_refused() {
    let door = front_door(&serve(Router::new().fallback(echo)).await, None).await;
    let chunks = |count| {
        Body::from_stream(futures::stream::iter(
            (0..count).map(|_| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 100]))),
        ))
    };
    for (body, status) in [
        (Body::from("x".repeat(LIMIT)), StatusCode::ACCEPTED),
        (
            Body::from("x".repeat(LIMIT + 1)),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (chunks(10), StatusCode::ACCEPTED),
        (chunks(11), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let answer = send(Request::post(format!("{door}/api/x")).body(body).unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_missing_upstream_is_a_problem() {
    // Held, and not listened on.
    let gone = TcpSocket::new_v4().unwrap();
    gone.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let gone_at = gone.local_addr().unwrap();
    let door = front_door(&format!("http://{gone_at}"), None).await;
    let answer = get(format!("{door}/api/account")).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(answer.headers[CONTENT_TYPE], "application/problem+json");
    assert!(
        answer.body.contains(r#""code":"bad_gateway""#),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_slow_upstream_is_given_up() {
    let upstream = serve(Router::new().fallback(std::future::pending::<Response>)).await;
    let api = Api::new(&upstream, LIMIT, Duration::from_millis(50)).unwrap();
    let door = serve(router(api, Files::new(None, ""))).await;
    let answer = get(format!("{door}/api/account")).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            r#"{"message":"Service Unavailable"}"#
        )
    );
}

#[tokio::test]
async fn serves_the_web_page() {
    let web = tempfile::tempdir().unwrap();
    std::fs::create_dir(web.path().join("assets")).unwrap();
    std::fs::write(web.path().join("index.html"), "the page").unwrap();
    std::fs::write(web.path().join("assets/app-1.js"), "code").unwrap();
    let config = web.path().join("at-home.json");
    std::fs::write(&config, "where to sign in").unwrap();
    let page = Page {
        folder: web.path().to_path_buf(),
        config: Some(config),
        policy: Some(HeaderValue::from_static("default-src 'self'")),
    };
    let door = front_door(&serve(Router::new().fallback(echo)).await, Some(page)).await;
    for (path, status, body) in [
        ("/", StatusCode::OK, "the page"),
        ("/batches/7", StatusCode::OK, "the page"),
        ("/apiary", StatusCode::OK, "the page"),
        ("/assets/app-1.js", StatusCode::OK, "code"),
        ("/config.json", StatusCode::OK, "where to sign in"),
        ("/assets/app-2.js", StatusCode::NOT_FOUND, "not found\n"),
    ] {
        let answer = get(format!("{door}{path}")).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (status, body),
            "{path}"
        );
    }
    let headers = get(format!("{door}/")).await.headers;
    assert_eq!(headers["content-security-policy"], "default-src 'self'");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(!headers.contains_key(CONTENT_ENCODING));
    let request = Request::get(format!("{door}/")).header(ACCEPT_ENCODING, "br, gzip");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let zipped = client.request(request.body(Body::empty()).unwrap()).await;
    let (parts, body) = zipped.unwrap().into_parts();
    assert_eq!(parts.headers[CONTENT_ENCODING], "gzip");
    let body = body.collect().await.unwrap().to_bytes();
    let mut page = String::new();
    flate2::read::GzDecoder::new(&*body)
        .read_to_string(&mut page)
        .unwrap();
    assert_eq!(page, "the page");
    assert!(
        get(format!("{door}/api/nothing"))
            .await
            .body
            .starts_with("GET"),
        "the API's paths are never the page's"
    );
    let posted = send(
        Request::post(format!("{door}/batches"))
            .body(Body::empty())
            .unwrap(),
    )
    .await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn without_a_web_page_it_says_where_things_are() {
    let door = front_door("http://127.0.0.1:9", None).await;
    let answer = get(format!("{door}/")).await;
    assert!(
        answer.body.contains("http://here/api/") && answer.body.contains("README.md"),
        "{}",
        answer.body
    );
    assert_eq!(
        get(format!("{door}/somewhere")).await.status,
        StatusCode::NOT_FOUND
    );
}
