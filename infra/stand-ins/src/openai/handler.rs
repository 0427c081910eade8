//! The endpoints of the vendor: one edit from request to answer, the models, and OpenAI's words for a wrong address.
//!
//! The order of an edit is the real one as far as anybody can see it: key, form, parameters, pictures, limits, work. A
//! call is written into the journal before the work starts, so a caller that hangs up is still on the bill.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use tracing::info;
use uuid::Uuid;

use super::{
    Service, edits,
    faults::{self, Fault, Strike},
    form::{self, Draft, MAX_BODY, missing},
    journal::{Call, ImageHash},
    limiter::Turn,
    lock, picture,
    refusal::Refusal,
    request::{self, EditRequest, Format, Size},
    source,
    usage::Usage,
};
use crate::server::CutConnection;

/// What the log line of a request says beside the status.
#[derive(Clone, Copy)]
struct Outcome(&'static str);

/// A request that is fit to be worked on.
struct Admitted {
    request: EditRequest,
    images: Vec<Bytes>,
    strike: Option<Strike>,
}

/// A finished picture.
struct Edited {
    encoded: Vec<u8>,
    size: Size,
}

/// The body of a good answer.
#[derive(Serialize)]
struct Answer {
    created: i64,
    background: &'static str,
    data: Vec<Datum>,
    output_format: &'static str,
    quality: &'static str,
    size: String,
    usage: Usage,
}

#[derive(Clone, Serialize)]
struct Datum {
    b64_json: String,
}

/// `POST /v1/images/edits`.
pub(super) async fn edit(State(service): State<Arc<Service>>, request: Request) -> Response {
    let arrived = Instant::now();
    let (parts, body) = request.into_parts();
    // The body is read to its end also for a refusal: a caller that is still sending would see a reset instead.
    let body = to_bytes(body, MAX_BODY).await;
    let read = async {
        authorise(&parts.headers)?;
        form::read(&parts.headers, body.map_err(|_| form::unread_body())?).await
    };
    let mut response = match read.await {
        Ok(draft) => service.edit(draft, arrived).await,
        Err(refusal) => refuse(refusal),
    };
    if let Ok(value) = HeaderValue::try_from(arrived.elapsed().as_millis().to_string()) {
        response.headers_mut().insert("openai-processing-ms", value);
    }
    response
}

impl Service {
    async fn edit(&self, draft: Draft, arrived: Instant) -> Response {
        let mut call = Call {
            image: None,
            prompt: draft.text("prompt").to_owned(),
            model: draft.text("model").to_owned(),
            size: draft.text("size").to_owned(),
            quality: draft.text("quality").to_owned(),
            outcome: "accepted",
            bought: true,
            at: OffsetDateTime::now_utc(),
            answered_at: None,
        };
        let admitted = match self.admit(draft, &mut call).await {
            Ok(admitted) => admitted,
            Err(refusal) => return self.turn_away(call, refusal.outcome(), refuse(refusal)),
        };
        if let Some(strike) = admitted.strike
            && let Some(response) = strike.before_work()
        {
            return self.turn_away(call, strike.name(), with_outcome(response, strike.name()));
        }
        let turn = lock(&self.limiter).take(admitted.request.pictures, Instant::now());
        if let Turn::Wait { wait, standing } = turn {
            let mut response = refuse(faults::rate_limited(wait));
            standing.write(response.headers_mut());
            return self.turn_away(call, "rate_limit_exceeded", response);
        }

        let number = lock(&self.journal).open(call);
        let (mut response, outcome, bought) = match self.work(admitted, arrived).await {
            Ok((response, outcome)) => (response, outcome, true),
            Err(refusal) => (refuse(refusal.clone()), refusal.outcome(), false),
        };
        lock(&self.journal).close(number, outcome, bought);
        if let Turn::Taken(standing) = turn {
            standing.write(response.headers_mut());
        }
        with_outcome(response, outcome)
    }

    /// Journals a call that costs nothing.
    fn turn_away(&self, mut call: Call, outcome: &'static str, response: Response) -> Response {
        call.outcome = outcome;
        call.bought = false;
        call.answered_at = Some(OffsetDateTime::now_utc());
        lock(&self.journal).open(call);
        response
    }

    /// Everything that can be refused without looking at pixels.
    async fn admit(&self, draft: Draft, call: &mut Call) -> Result<Admitted, Refusal> {
        let request = request::validate(&draft.fields, draft.form, &self.models)?;
        if draft.images.is_empty() {
            return Err(missing(match draft.form {
                form::Form::Multipart => "image",
                form::Form::Json => "images",
            }));
        }
        let images = source::load(draft.images, &self.fetcher).await?;
        let image = ImageHash::of(&images);
        call.image = Some(image);
        let strike = lock(&self.faults).strike(&request.prompt, image)?;
        Ok(Admitted {
            request,
            images,
            strike,
        })
    }

    /// Edits and answers, or spoils the answer.
    async fn work(
        &self,
        admitted: Admitted,
        arrived: Instant,
    ) -> Result<(Response, &'static str), Refusal> {
        let Admitted {
            request,
            images,
            strike,
        } = admitted;
        let fault = strike.map(|strike| strike.fault);
        let inputs = images.len();
        let encoded_as = match (fault, request.format) {
            (Some(Fault::WrongFormat), Format::Png) => Format::Jpeg,
            (Some(Fault::WrongFormat), _) => Format::Png,
            (_, format) => format,
        };
        let edited = {
            let _bench = self.benches.acquire().await.map_err(|_| broken())?;
            let request = request.clone();
            tokio::task::spawn_blocking(move || edit_pixels(&request, &images, encoded_as))
                .await
                .map_err(|_| broken())??
        };
        // Read before the wait: a lock is never held across one.
        let latency = *lock(&self.latency);
        let hold = strike.map(Strike::hold).unwrap_or_default();
        tokio::time::sleep((latency.saturating_sub(arrived.elapsed())).saturating_add(hold)).await;

        let outcome = strike.map_or("answered", Strike::name);
        let answer = answer(&request, inputs, edited, fault);
        Ok((deliver(&answer, fault), outcome))
    }
}

/// The slow part, on a thread of its own.
fn edit_pixels(request: &EditRequest, images: &[Bytes], format: Format) -> Result<Edited, Refusal> {
    let mut first = None;
    for (index, image) in images.iter().enumerate() {
        let decoded = picture::decode(image, index)?;
        first.get_or_insert(decoded);
    }
    let first = first.ok_or_else(|| missing("image"))?;
    let size = request
        .size
        .unwrap_or_else(|| Size::nearest_classic(first.width(), first.height()));
    let edited = edits::apply(&request.prompt, picture::fit(first, size));
    let encoded = picture::encode(&edited, format, request.compression).map_err(|_| broken())?;
    Ok(Edited { encoded, size })
}

fn answer(request: &EditRequest, inputs: usize, edited: Edited, fault: Option<Fault>) -> Answer {
    let Edited { mut encoded, size } = edited;
    if fault == Some(Fault::TruncatedImage) {
        encoded.truncate(encoded.len() / 2);
    }
    let pictures = if fault == Some(Fault::EmptyData) {
        0
    } else {
        request.pictures
    };
    let datum = Datum {
        b64_json: STANDARD.encode(encoded),
    };
    Answer {
        created: OffsetDateTime::now_utc().unix_timestamp(),
        background: "opaque",
        data: (0..pictures).map(|_| datum.clone()).collect(),
        output_format: request.format.name(),
        quality: request.quality.name(),
        size: size.to_string(),
        usage: Usage::of(
            &request.prompt,
            inputs,
            request.quality,
            size,
            request.pictures,
        ),
    }
}

/// Sends a good answer, or what a fault makes of it on the way.
fn deliver(answer: &Answer, fault: Option<Fault>) -> Response {
    match fault {
        Some(Fault::Cut) => CutConnection.into_response(),
        Some(Fault::GatewayTimeout) => faults::gateway(StatusCode::GATEWAY_TIMEOUT),
        Some(Fault::Garbage) => (
            [(header::CONTENT_TYPE, "application/json")],
            "{\"created\": 17\u{0}<<<not json at all",
        )
            .into_response(),
        Some(Fault::CutAnswer) => match serde_json::to_vec(answer) {
            Ok(body) => cut_in_half(&Bytes::from(body)),
            Err(_) => refuse(broken()),
        },
        _ => Json(answer).into_response(),
    }
}

/// Promises all of a body and breaks off after half of it.
fn cut_in_half(body: &Bytes) -> Response {
    let half = body.slice(..body.len() / 2);
    let start = stream::once(async move { Ok::<_, CutConnection>(half) });
    // The break waits until the start is on its way: an error at once would take it along.
    let end = stream::once(async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(CutConnection)
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CONTENT_LENGTH, HeaderValue::from(body.len())),
    ];
    (headers, Body::from_stream(start.chain(end))).into_response()
}

/// `GET /v1/models`.
pub(super) async fn models(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    authorise(&headers)?;
    let models: Vec<_> = service
        .models
        .iter()
        .map(|id| json!({ "id": id, "object": "model", "created": 1_776_000_000, "owned_by": "system" }))
        .collect();
    Ok(Json(json!({ "object": "list", "data": models })).into_response())
}

pub(super) async fn unknown_route(method: Method, uri: Uri) -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "invalid_request_error",
        Some("unknown_url"),
        format!(
            "Unknown request URL: {method} {}. Please check the URL for typos.",
            uri.path()
        ),
    )
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "invalid_request_error",
        Some("method_not_supported"),
        format!("Not allowed to {method} on {}.", uri.path()),
    )
}

/// Gives each answer its id and each request its line. Neither prompts nor keys nor URLs get into the log.
pub(super) async fn stamp_and_log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let id = format!("req_{}", Uuid::new_v4().simple());
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::try_from(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    let status = response.status().as_u16();
    let outcome = response
        .extensions()
        .get::<Outcome>()
        .map_or("-", |outcome| outcome.0);
    info!(status, outcome = %outcome, millis = started.elapsed().as_millis(), request.id = %id, "openai {method} {path}");
    response
}

fn authorise(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match value.strip_prefix("Bearer ").map(str::trim) {
        None | Some("" | "bad-key") => Err(faults::bad_key()),
        Some(_) => Ok(()),
    }
}

fn refuse(refusal: Refusal) -> Response {
    let outcome = refusal.outcome();
    with_outcome(refusal.into_response(), outcome)
}

fn with_outcome(mut response: Response, outcome: &'static str) -> Response {
    response.extensions_mut().insert(Outcome(outcome));
    response
}

/// A fault of our own, which nobody asked for.
fn broken() -> Refusal {
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "server_error",
        Some("server_error"),
        "The stand-in itself failed. This is a bug.",
    )
}
