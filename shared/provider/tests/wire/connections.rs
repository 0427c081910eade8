//! What lies beneath HTTP, broken: which failures certainly cost nothing, and which leave it open.
//!
//! The servers here are a few lines over TCP, since no HTTP server cuts its answers on request.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use provider::{Client, Doubt, EditError, Outcome, PictureFormat};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

use crate::support::{by_url, client, config, edited, key, picture};

/// What a server does with a connection after it has read the request.
#[derive(Clone)]
enum Then {
    /// Writes these bytes and closes.
    Close(Vec<u8>),
    /// Writes these bytes and keeps the connection open, silently.
    Hold(Vec<u8>),
}

struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start(then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            loop {
                let (stream, _peer) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, then.clone()));
            }
        });
        Self {
            address,
            connections,
        }
    }

    fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, then: Then) {
    read_request(&mut stream).await;
    match then {
        Then::Close(bytes) => {
            stream.write_all(&bytes).await.unwrap();
            stream.shutdown().await.unwrap();
        }
        Then::Hold(bytes) => {
            stream.write_all(&bytes).await.unwrap();
            std::future::pending::<()>().await;
        }
    }
}

/// Reads until the end of the JSON body of [`by_url`], whose last field is the format.
async fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(br#""png"}"#) {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
    }
}

fn http(status: &str, announced: usize, body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.1 {status}\r\ncontent-length: {announced}\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn success() -> Vec<u8> {
    edited(&picture(PictureFormat::Png))
        .to_string()
        .into_bytes()
}

fn doubt(error: EditError) -> Doubt {
    assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
    match error {
        EditError::UnknownOutcome { doubt, .. } => doubt,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_closed_port_costs_nothing() {
    // Held, and not listened on.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let root = format!("http://{}", socket.local_addr().unwrap());
    let error = client(&root).edit(&key(), by_url()).await.unwrap_err();
    assert!(matches!(error, EditError::Unreachable(_)), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotBought);
    assert!(!format!("{error:?}").contains("/v1"), "{error:?}");
}

#[tokio::test]
async fn a_failed_handshake_costs_nothing() {
    // A server that speaks no TLS, and one that says nothing at all.
    for (then, connect_timeout) in [
        (
            Then::Close(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            Duration::from_secs(5),
        ),
        (Then::Hold(Vec::new()), Duration::from_millis(100)),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _peer) = listener.accept().await.unwrap();
            let mut hello = [0; 1024];
            assert_ne!(stream.read(&mut hello).await.unwrap(), 0);
            match then {
                Then::Close(bytes) => stream.write_all(&bytes).await.unwrap(),
                Then::Hold(_) => std::future::pending().await,
            }
        });
        let mut config = config(&root);
        config.connect_timeout = connect_timeout;
        let error = Client::new(&config)
            .unwrap()
            .edit(&key(), by_url())
            .await
            .unwrap_err();
        assert!(matches!(error, EditError::Unreachable(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_cut_after_the_request_is_not_tried_again() {
    for bytes in [
        Vec::new(),
        b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(),
        b"not HTTP at all\r\n\r\n".to_vec(),
    ] {
        let server = Server::start(Then::Close(bytes)).await;
        let error = client(&server.root())
            .edit(&key(), by_url())
            .await
            .unwrap_err();
        assert!(matches!(doubt(error), Doubt::Cut(_)));
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn an_answer_cut_in_its_body_leaves_the_outcome_unknown() {
    let body = success();
    let half = &body[..body.len() / 2];
    let chunked = [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
        format!("{:x}\r\n", half.len()).into_bytes(),
        half.to_vec(),
        b"\r\n".to_vec(),
    ]
    .concat();
    for answer in [http("200 OK", body.len(), half), chunked] {
        let server = Server::start(Then::Close(answer)).await;
        let error = client(&server.root())
            .edit(&key(), by_url())
            .await
            .unwrap_err();
        assert!(matches!(doubt(error), Doubt::Cut(_)));
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_cut_refusal_is_final_for_nobody_and_a_cut_limit_is_still_a_limit() {
    for (status, branch) in [
        ("400 Bad Request", "provider_outcome_unknown"),
        ("429 Too Many Requests", "provider_rate_limited"),
        ("401 Unauthorized", "provider_unauthorized"),
    ] {
        let server = Server::start(Then::Close(http(status, 100, b"{\"error\":"))).await;
        let error = client(&server.root())
            .edit(&key(), by_url())
            .await
            .unwrap_err();
        assert_eq!(error.code(), branch, "{status}");
    }
}

#[tokio::test]
async fn a_slow_answer_ends_with_the_timeout_of_the_whole_call() {
    let body = success();
    for bytes in [
        // Silence, and an answer that never ends.
        Vec::new(),
        http("200 OK", body.len(), &body[..body.len() / 2]),
    ] {
        let server = Server::start(Then::Hold(bytes)).await;
        let mut config = config(&server.root());
        config.connect_timeout = Duration::from_secs(1);
        config.timeout = Duration::from_secs(2);
        let error = Client::new(&config)
            .unwrap()
            .edit(&key(), by_url())
            .await
            .unwrap_err();
        assert!(matches!(doubt(error), Doubt::TimedOut));
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn an_unannounced_flood_is_cut_off_at_the_limit() {
    let flood = [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n400\r\n".to_vec(),
        vec![b' '; 1024],
        b"\r\n".to_vec(),
    ]
    .concat();
    let server = Server::start(Then::Hold(flood)).await;
    let mut config = config(&server.root());
    config.max_answer_bytes = 1000;
    let error = Client::new(&config)
        .unwrap()
        .edit(&key(), by_url())
        .await
        .unwrap_err();
    assert!(matches!(doubt(error), Doubt::TooLong { limit: 1000 }));
}

#[tokio::test]
async fn every_edit_opens_a_connection_of_its_own() {
    let body = success();
    // The server keeps its side open and never answers twice: a second request on the first connection would hang.
    let server = Server::start(Then::Hold(http("200 OK", body.len(), &body))).await;
    let client = client(&server.root());
    for edits in 1..=3 {
        client.edit(&key(), by_url()).await.unwrap();
        assert_eq!(server.connections(), edits);
    }
}
