//! The routes: what each takes, what it answers, and what it answers instead.

use std::time::Duration;

use anyhow::Result;
use api::BatchHistory;
use aws::AwsError;
use domain::{Credits, Insufficient, NoRoom, Timestamp};
use edge::http::{Failure, MAX_BODY, ProblemKind};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{
    Content, ContentBuilder, Header, HeaderBuilder, HttpMethod, ObjectBuilder, PathItem, Paths,
    PathsBuilder, Ref, Required, Response, ResponseBuilder, Type,
    example::ExampleBuilder,
    path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
};

use crate::{examples, problems};

/// What routes are grouped by.
pub(crate) const TAGS: [(&str, &str); 3] = [
    (ACCOUNT, "Who somebody is, and what they have."),
    (PHOTOS, "Where photos are uploaded to."),
    (
        BATCHES,
        "Editing photos: submit, follow, cancel, retry, look back.",
    ),
];
const ACCOUNT: &str = "account";
const PHOTOS: &str = "photos";
const BATCHES: &str = "batches";

/// All routes, in the order of their use.
pub(crate) fn paths() -> Result<Paths> {
    let route = |method, operation| PathItem::new(method, operation);
    Ok(PathsBuilder::new()
        .path("/api/account", route(HttpMethod::Get, get_account()?))
        .path("/api/account", route(HttpMethod::Delete, delete_account()?))
        .path(
            "/api/files/presign",
            route(HttpMethod::Post, presign_uploads()?),
        )
        .path(
            "/api/images/generate",
            route(HttpMethod::Post, submit_batch()?),
        )
        .path(
            "/api/batch/{id}/status",
            route(HttpMethod::Get, get_batch_status()?),
        )
        .path(
            "/api/batch/{id}/cancel",
            route(HttpMethod::Post, cancel_batch()?),
        )
        .path(
            "/api/batch/{id}/retry",
            route(HttpMethod::Post, retry_batch()?),
        )
        .path("/api/batches", route(HttpMethod::Get, list_batches()?))
        .build())
}

fn get_account() -> Result<Operation> {
    let operation = OperationBuilder::new()
        .tag(ACCOUNT)
        .operation_id(Some("getAccount"))
        .summary(Some("Who am I, what have I got, what may I do, what does it cost?"))
        .description(Some(
            "A user's first request opens their account and grants the welcome credits, once their e-mail address is \
             confirmed.",
        ))
        .response("200", ok("The account.", [("account", "A new account", examples::account())])?);
    with_problems(operation, vec![Failure::account_deleted(), busy()])
}

fn delete_account() -> Result<Operation> {
    let body = body([(
        "confirmed",
        "Anna means it",
        examples::delete_account_request(),
    )])?;
    let operation = OperationBuilder::new()
        .tag(ACCOUNT)
        .operation_id(Some("deleteAccount"))
        .summary(Some("Forget me"))
        .description(Some(
            "Closes the account at once. In the minutes after that, open batches are canceled, and all photos, results, \
             prompts, settings and the sign-in are deleted; credits that are left are lost. The ledger stays without a \
             name. May be repeated. Who signs up again has a new account; an address is welcomed with credits once.",
        ))
        .request_body(Some(body))
        .response(
            "202",
            response(
                "The account is closed, and everything else is on its way out.",
                json([("deleted", "Good bye", examples::delete_account_response())])?,
            ),
        );
    let unconfirmed = Failure::new(
        ProblemKind::InvalidRequest,
        "nothing was deleted; confirm with the e-mail address of the account",
    )
    .with_fault(
        "/confirm".to_owned(),
        "is not the e-mail address of the account".to_owned(),
    );
    with_problems(
        operation,
        vec![
            unconfirmed,
            invalid_json(
                "/confirm",
                "invalid type: boolean `true`, expected a string",
            ),
            too_large(),
            busy(),
        ],
    )
}

fn presign_uploads() -> Result<Operation> {
    let body = body([("twoPhotos", "Two photos", examples::presign_request())])?;
    let invalid = Failure::new(
        ProblemKind::InvalidRequest,
        "some of these files cannot be uploaded",
    )
    .with_fault(
        "/files/0/contentType".to_owned(),
        "must be \"image/png\", \"image/jpeg\" or \"image/webp\"; save the photo as one of these"
            .to_owned(),
    );
    let operation = OperationBuilder::new()
        .tag(PHOTOS)
        .operation_id(Some("presignUploads"))
        .summary(Some("Ask for upload links"))
        .description(Some(
            "A link takes exactly one photo, of exactly the type and length named here, within 15 minutes, and never \
             twice. Send the photo's bytes to `url` with all of `headers`; then name its `key` when submitting.",
        ))
        .request_body(Some(body))
        .response(
            "200",
            ok(
                "One link a file, in the order asked.",
                [("twoPhotos", "Two links", examples::presign_response())],
            )?,
        );
    with_problems(
        operation,
        vec![
            invalid,
            invalid_json(
                "/files/0/size",
                "invalid type: string \"3 MB\", expected u64",
            ),
            too_large(),
        ],
    )
}

fn submit_batch() -> Result<Operation> {
    let body = body([
        (
            "full",
            "Everything that can be said",
            examples::submit_request(),
        ),
        (
            "short",
            "As little as can be said",
            examples::short_submit_request(),
        ),
    ])?;
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255))
        .pattern(Some("^[!-~]+$"))
        .build();
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(
            "Your own name for this submit, such as a UUID: new for each batch, kept before it is sent, the same for \
             every repeat. The same request under the same key is the same batch, debited once.",
        ))
        .schema(Some(key))
        .example(Some(examples::IDEMPOTENCY_KEY.into()))
        .build();
    let operation = OperationBuilder::new()
        .tag(BATCHES)
        .operation_id(Some("submitBatch"))
        .summary(Some("Submit photos for editing"))
        .description(Some(
            "Debits the price of all images and accepts the batch, both or neither. What an image cost comes back if it \
             fails. A repeat is given the first answer again, word for word.",
        ))
        .parameter(key)
        .request_body(Some(body))
        .response(
            "202",
            response(
                "Accepted and paid; follow it at `statusUrl`.",
                json([("accepted", "Two images", examples::submit_response())])?,
            ),
        );
    let invalid = Failure::new(ProblemKind::InvalidRequest, "this batch cannot be accepted")
        .with_fault(
            "/prompt".to_owned(),
            "say what should be done to the photos".to_owned(),
        );
    let unknown = Failure::new(
        ProblemKind::PhotoNotFound,
        "some of these photos do not exist",
    )
    .with_fault(
        "/images/1/key".to_owned(),
        "there is no such photo; upload it and use the key you were given".to_owned(),
    );
    with_problems(
        operation,
        vec![
            Failure::new(
                ProblemKind::IdempotencyKeyRequired,
                "send an Idempotency-Key header: 1 to 255 visible ASCII characters, new for each batch and the same \
                 when you repeat a request, such as a UUID",
            ),
            invalid_json(
                "/images/0/key",
                "invalid type: integer `7`, expected a string",
            ),
            invalid,
            insufficient(),
            Failure::new(
                ProblemKind::EmailNotVerified,
                "confirm your e-mail address first, then sign in again",
            ),
            unknown,
            Failure::account_deleted(),
            too_large(),
            Failure::new(
                ProblemKind::IdempotencyKeyReused,
                "this Idempotency-Key was used for a different request; use a new one for a new batch",
            ),
            backlog(),
            too_many_open(),
            busy(),
        ],
    )
}

fn get_batch_status() -> Result<Operation> {
    let known = ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "The `ETag` of the status that you have: 304 if it is still so.",
        ))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .example(Some(examples::ETAG.into()))
        .build();
    let status = ok(
        "The batch as it stands.",
        [
            ("open", "At work", examples::open_batch()),
            (
                "finished",
                "Over, with one result and one refund",
                examples::finished_batch(),
            ),
        ],
    )?;
    let operation = OperationBuilder::new()
        .tag(BATCHES)
        .operation_id(Some("getBatchStatus"))
        .summary(Some("How far is a batch?"))
        .description(Some(
            "Ask again after `pollAfterMs`, with the last `ETag`; 0 means that nothing will change any more. Result \
             links are good for 90 minutes, and the `ETag` changes every 30 minutes, so that a 304 never leaves you with \
             dead ones.",
        ))
        .parameter(batch_id())
        .parameter(known)
        .response("200", with_etag(status))
        .response(
            "304",
            with_etag(Response::new("Nothing has changed since that `ETag`. No body.")),
        );
    with_problems(operation, vec![unknown_batch(), Failure::account_deleted()])
}

fn cancel_batch() -> Result<Operation> {
    let operation = OperationBuilder::new()
        .tag(BATCHES)
        .operation_id(Some("cancelBatch"))
        .summary(Some("Stop a batch"))
        .description(Some(
            "Cancels and refunds every image that is not at the provider now; what is there cannot be called back, and \
             is completed and paid for as ever. May be repeated: the answer is how the batch stands.",
        ))
        .parameter(batch_id())
        .response(
            "202",
            response(
                "Stopped, as far as it can be.",
                json([("canceled", "One image at the provider, one canceled", examples::canceled_batch())])?,
            ),
        );
    let finished = Failure::new(
        ProblemKind::BatchFinished,
        "there is nothing left to cancel: what was completed stays, and what failed is refunded",
    );
    with_problems(
        operation,
        vec![
            unknown_batch(),
            finished,
            Failure::account_deleted(),
            busy(),
        ],
    )
}

fn retry_batch() -> Result<Operation> {
    let operation = OperationBuilder::new()
        .tag(BATCHES)
        .operation_id(Some("retryBatch"))
        .summary(Some("Try the failed and canceled images of a batch again"))
        .description(Some(
            "They become a batch of their own, with the same photos, wishes and options, at today's price. A batch is \
             retried once: a repeat is given the same new batch again, and what fails in that one can be retried there.",
        ))
        .parameter(batch_id())
        .response(
            "202",
            response(
                "The new batch, accepted and paid; follow it at `statusUrl`.",
                json([("accepted", "The one image that had failed", examples::retry_response())])?,
            ),
        );
    let not_finished = Failure::new(
        ProblemKind::BatchNotFinished,
        "2 of its images are open; wait until they are done, or cancel the batch first",
    );
    let nothing = Failure::new(
        ProblemKind::NothingToRetry,
        "no image of this batch failed or was canceled",
    );
    with_problems(
        operation,
        vec![
            insufficient(),
            unknown_batch(),
            not_finished,
            nothing,
            Failure::account_deleted(),
            backlog(),
            too_many_open(),
            busy(),
        ],
    )
}

fn list_batches() -> Result<Operation> {
    let limit = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(BatchHistory::LONGEST_PAGE))
        .default(Some(BatchHistory::PAGE.into()))
        .build();
    let limit = query("limit", "How many batches a page has at most.")
        .schema(Some(limit))
        .example(Some(5.into()))
        .build();
    let cursor = query(
        "cursor",
        "`nextCursor` of the page before; left out, the newest batches come.",
    )
    .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
    .example(Some(examples::CURSOR.into()))
    .build();
    let operation = OperationBuilder::new()
        .tag(BATCHES)
        .operation_id(Some("listBatches"))
        .summary(Some("My batches, newest first"))
        .description(Some(
            "Page by page: an answer without `nextCursor` is the last one.",
        ))
        .parameter(limit)
        .parameter(cursor)
        .response(
            "200",
            ok(
                "A page.",
                [("page", "One batch, and more to come", examples::history())],
            )?,
        );
    let invalid = Failure::new(
        ProblemKind::InvalidRequest,
        format!(
            "limit must be a number from 1 to {}",
            BatchHistory::LONGEST_PAGE
        ),
    );
    with_problems(operation, vec![invalid, Failure::account_deleted()])
}

/// Adds what can go wrong here, and what can go wrong everywhere.
fn with_problems(mut operation: OperationBuilder, mut failures: Vec<Failure>) -> Result<Operation> {
    failures.push(Failure::new(
        ProblemKind::Unauthenticated,
        "send the ID token that signing in gave you, as a bearer token",
    ));
    failures.push(AwsError::Missing(String::new()).into());
    for (status, response) in problems::responses(failures)? {
        operation = operation.response(status.to_string(), response);
    }
    Ok(operation.build())
}

fn batch_id() -> Parameter {
    let id = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(utoipa::openapi::SchemaFormat::Custom(
            "uuid".to_owned(),
        )))
        .build();
    ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The `batchId` that submitting answered."))
        .schema(Some(id))
        .example(Some(examples::BATCH.into()))
        .build()
}

fn unknown_batch() -> Failure {
    Failure::new(ProblemKind::BatchNotFound, "check the batch's id")
}

fn insufficient() -> Failure {
    Failure::insufficient(Insufficient {
        needed: Credits::small(50),
        available: Credits::small(10),
    })
}

fn backlog() -> Failure {
    let last_turn = Timestamp::from_millis(1_795_597_200_000);
    let room_at = Timestamp::from_millis(1_795_510_800_000);
    let wait = Duration::from_mins(30);
    NoRoom::Backlog {
        last_turn,
        room_at,
        wait,
    }
    .into()
}

fn too_many_open() -> Failure {
    NoRoom::TooManyOpen {
        open: 980,
        most: 1_000,
    }
    .into()
}

fn busy() -> Failure {
    AwsError::Contended("").into()
}

fn invalid_json(pointer: &str, fault: &str) -> Failure {
    Failure::new(
        ProblemKind::InvalidJson,
        "the body is not the JSON that this takes",
    )
    .with_fault(pointer.to_owned(), fault.to_owned())
}

fn too_large() -> Failure {
    Failure::new(
        ProblemKind::BodyTooLarge,
        format!("the body has 1483920 bytes; at most {MAX_BODY} are taken"),
    )
}

fn query(name: &str, description: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(description))
}

fn body<T: Serialize + ToSchema, const N: usize>(
    examples: [(&str, &str, T); N],
) -> Result<RequestBody> {
    Ok(RequestBodyBuilder::new()
        .description(Some(format!("At most {MAX_BODY} bytes.")))
        .required(Some(Required::True))
        .content("application/json", json(examples)?)
        .build())
}

fn ok<T: Serialize + ToSchema, const N: usize>(
    description: &str,
    examples: [(&str, &str, T); N],
) -> Result<Response> {
    Ok(response(description, json(examples)?))
}

fn response(description: &str, content: Content) -> Response {
    ResponseBuilder::new()
        .description(description)
        .content("application/json", content)
        .build()
}

fn json<T: Serialize + ToSchema, const N: usize>(
    examples: [(&str, &str, T); N],
) -> Result<Content> {
    let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name(T::name())));
    for (name, summary, value) in examples {
        let example = ExampleBuilder::new()
            .summary(summary)
            .value(Some(serde_json::to_value(value)?))
            .build();
        content = content.examples_from_iter([(name, example)]);
    }
    Ok(content.build())
}

fn with_etag(mut response: Response) -> Response {
    let header: Header = HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
        .description(Some("Names this state of the batch; for `If-None-Match`."))
        .example(Some(examples::ETAG.into()))
        .build();
    response.headers.insert("ETag".to_owned(), header.into());
    response
}
