//! The routes: what each takes, what it answers, and what it answers instead.

use std::time::Duration;

use anyhow::Result;
use api::{BatchHistory, Transactions};
use aws::AwsError;
use domain::{Credits, Insufficient, NoRoom, Timestamp, signature::SignatureRefused};
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
pub(crate) const TAGS: [(&str, &str); 4] = [
    (ACCOUNT, "Who somebody is, and what they have."),
    (PHOTOS, "Where photos are uploaded to."),
    (
        BATCHES,
        "Editing photos: submit, follow, cancel, retry, look back.",
    ),
    (BILLING, "Buying credits, and what became of them."),
];
const ACCOUNT: &str = "account";
const PHOTOS: &str = "photos";
const BATCHES: &str = "batches";
const BILLING: &str = "billing";

/// All routes, in the order of their use.
pub(crate) fn paths() -> Result<Paths> {
    let route = |method, operation| PathItem::new(method, operation);
    Ok(PathsBuilder::new()
        .path("/api/account", {
            let mut account = route(HttpMethod::Get, get_account()?);
            account.delete = Some(delete_account()?);
            account
        })
        .path("/api/account/settings", {
            let mut settings = route(HttpMethod::Get, get_settings()?);
            settings.put = Some(change_settings()?);
            settings
        })
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
        .path("/api/billing/packs", route(HttpMethod::Get, list_packs()?))
        .path(
            "/api/billing/balance",
            route(HttpMethod::Get, get_balance()?),
        )
        .path(
            "/api/billing/transactions",
            route(HttpMethod::Get, list_transactions()?),
        )
        .path(
            "/api/billing/checkout",
            route(HttpMethod::Post, create_checkout()?),
        )
        .path(
            "/api/billing/portal",
            route(HttpMethod::Post, create_portal_session()?),
        )
        .path(
            "/api/polar/webhooks",
            route(HttpMethod::Post, receive_polar_webhook()?),
        )
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

fn get_settings() -> Result<Operation> {
    let operation = OperationBuilder::new()
        .tag(ACCOUNT)
        .operation_id(Some("getSettings"))
        .summary(Some("What am I told, and how?"))
        .description(Some(
            "Mail goes to the address of the account, unless it is not wanted. A webhook is told when a batch is done.",
        ))
        .response(
            "200",
            ok(
                "The settings.",
                [
                    ("new", "Of somebody who has not changed them", examples::new_settings()),
                    ("webhook", "No mail, and a webhook", examples::settings()),
                ],
            )?,
        );
    with_problems(operation, vec![Failure::account_deleted()])
}

fn change_settings() -> Result<Operation> {
    let body = body([
        (
            "webhook",
            "No mail, and a webhook",
            examples::settings_request(),
        ),
        ("mail", "Mail only", examples::short_settings_request()),
    ])?;
    let invalid = Failure::new(ProblemKind::InvalidRequest, "this webhook cannot be called")
        .with_fault(
            "/webhook/url".to_owned(),
            outbound::TargetRefused::NotHttps.to_string(),
        );
    let operation = OperationBuilder::new()
        .tag(ACCOUNT)
        .operation_id(Some("changeSettings"))
        .summary(Some("Change what I am told"))
        .description(Some(
            "Takes all settings as they should be. Another webhook URL gets another secret; the same one keeps its own.\n\n\
             The webhook gets a `POST` with `{type, timestamp, data}` when a batch is over: `type` is `batch.completed`, \
             `batch.failed` or `batch.canceled`, `data` holds `batchId`, `status`, `counts`, `creditsSpent`, \
             `creditsRefunded`, `createdAt` and `finishedAt` as a batch's status does. It is signed as [Standard \
             Webhooks](https://www.standardwebhooks.com) says, whose libraries verify it with the secret. Any status \
             from 200 to 299 takes it; otherwise it comes again for a day, with the same `webhook-id` and longer and \
             longer waits. 410 ends that. Redirects are not followed.",
        ))
        .request_body(Some(body))
        .response(
            "200",
            ok(
                "The settings as they are now.",
                [("webhook", "No mail, and a webhook", examples::settings())],
            )?,
        );
    with_problems(
        operation,
        vec![
            invalid,
            invalid_json("/emails", "invalid type: string \"no\", expected a boolean"),
            Failure::new(
                ProblemKind::EmailNotVerified,
                "confirm your e-mail address first, then sign in again",
            ),
            Failure::account_deleted(),
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
            Failure::email_not_verified(),
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
    let (default, most) = (BatchHistory::PAGE, BatchHistory::LONGEST_PAGE);
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
        .parameter(limit("How many batches a page has at most.", default, most))
        .parameter(cursor)
        .response(
            "200",
            ok(
                "A page.",
                [("page", "One batch, and more to come", examples::history())],
            )?,
        );
    with_problems(
        operation,
        vec![invalid_limit(most), Failure::account_deleted()],
    )
}

fn list_packs() -> Result<Operation> {
    let operation = OperationBuilder::new()
        .tag(BILLING)
        .operation_id(Some("listPacks"))
        .summary(Some("What can be bought?"))
        .description(Some("An empty list where nothing is sold."))
        .response(
            "200",
            ok("The packs.", [("packs", "Two packs", examples::packs())])?,
        );
    with_problems(operation, vec![])
}

fn get_balance() -> Result<Operation> {
    let operation = OperationBuilder::new()
        .tag(BILLING)
        .operation_id(Some("getBalance"))
        .summary(Some("How many credits have I got?"))
        .description(Some(
            "Like `GET /api/account`, a user's first request opens their account.",
        ))
        .response(
            "200",
            ok(
                "The balance.",
                [("balance", "In debt", examples::balance())],
            )?,
        );
    with_problems(operation, vec![Failure::account_deleted(), busy()])
}

fn list_transactions() -> Result<Operation> {
    let (default, most) = (Transactions::PAGE, Transactions::LONGEST_PAGE);
    let cursor = query(
        "cursor",
        "`nextCursor` of the page before; left out, the newest transactions come.",
    )
    .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
    .example(Some(examples::LEDGER_CURSOR.into()))
    .build();
    let operation = OperationBuilder::new()
        .tag(BILLING)
        .operation_id(Some("listTransactions"))
        .summary(Some("What became of my credits, newest first?"))
        .description(Some(
            "Every change of the balance, each with the balance after it. Page by page: an answer without `nextCursor` \
             is the last one.",
        ))
        .parameter(limit("How many transactions a page has at most.", default, most))
        .parameter(cursor)
        .response(
            "200",
            ok(
                "A page.",
                [("page", "Two transactions, and more to come", examples::transactions())],
            )?,
        );
    with_problems(operation, vec![invalid_limit(most)])
}

fn create_checkout() -> Result<Operation> {
    let operation = OperationBuilder::new()
        .tag(BILLING)
        .operation_id(Some("createCheckout"))
        .summary(Some("Buy a pack"))
        .description(Some(
            "Opens a page at the seller's where it can be paid. The credits arrive once the seller has told us that it was, \
             usually in seconds.",
        ))
        .request_body(Some(body([(
            "pack",
            "The smaller pack",
            examples::checkout_request(),
        )])?))
        .response(
            "201",
            response(
                "Send the buyer to `url`.",
                json([("checkout", "A page to pay on", examples::checkout())])?,
            ),
        );
    let unknown = Failure::new(
        ProblemKind::PackNotFound,
        "choose one of the packs that GET /api/billing/packs lists",
    );
    with_problems(
        operation,
        vec![
            invalid_json("/productId", "invalid type: integer `7`, expected a string"),
            Failure::email_not_verified(),
            unknown,
            Failure::account_deleted(),
            too_large(),
            busy(),
            billing_unavailable(),
        ],
    )
}

fn create_portal_session() -> Result<Operation> {
    let operation = OperationBuilder::new()
        .tag(BILLING)
        .operation_id(Some("createPortalSession"))
        .summary(Some("See my invoices and payment methods"))
        .description(Some(
            "Opens a page at the seller's for whoever has bought something. Its address lets anybody in: pass it to nobody.",
        ))
        .response(
            "201",
            response(
                "Send the buyer to `url`, soon.",
                json([("portal", "A way in", examples::portal())])?,
            ),
        );
    let nothing = Failure::new(
        ProblemKind::NothingBought,
        "invoices and payment methods are there once you have bought credits",
    );
    with_problems(operation, vec![nothing, billing_unavailable()])
}

fn receive_polar_webhook() -> Result<Operation> {
    let header = |name: &str, description: &str, example: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
            .example(Some(example.into()))
            .build()
    };
    let operation = OperationBuilder::new()
        .tag(BILLING)
        .operation_id(Some("receivePolarWebhook"))
        .summary(Some("For Polar only: something happened to an order"))
        .description(Some(
            "The body is an event as Polar defines it. Anybody may call this, and nothing is believed that is not signed by \
             Polar within the last five minutes. Events that are not about credits are answered alike.",
        ))
        .securities(Some([]))
        .parameter(header(
            "webhook-id",
            "The event; the same for every delivery of it.",
            "4b1e0d5e-0000-4000-8000-000000000001",
        ))
        .parameter(header(
            "webhook-timestamp",
            "When it was sent: seconds since the epoch.",
            "1790000000",
        ))
        .parameter(header(
            "webhook-signature",
            "Signatures separated by spaces, each `v1,` and a base64 HMAC-SHA256 over `{id}.{timestamp}.{body}`.",
            "v1,Z25yfPOrlGuS8Jl4tP+H+Ag7f3xhNCM8i+SiEmG6s4s=",
        ))
        .response("202", Response::new("Noted. No body."));
    let refused = Failure::new(
        ProblemKind::SignatureRefused,
        SignatureRefused::Mismatch.to_string(),
    );
    with_open_problems(
        operation,
        vec![
            refused,
            invalid_json("/type", "invalid type: integer `7`, expected a string"),
            too_large(),
            busy(),
        ],
    )
}

/// Adds what can go wrong here, and what can go wrong wherever somebody has to be signed in.
fn with_problems(operation: OperationBuilder, mut failures: Vec<Failure>) -> Result<Operation> {
    failures.push(Failure::new(
        ProblemKind::Unauthenticated,
        "send the ID token that signing in gave you, as a bearer token",
    ));
    with_open_problems(operation, failures)
}

/// Adds what can go wrong here, and what can go wrong everywhere.
fn with_open_problems(
    mut operation: OperationBuilder,
    mut failures: Vec<Failure>,
) -> Result<Operation> {
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

fn billing_unavailable() -> Failure {
    Failure::new(
        ProblemKind::BillingUnavailable,
        "nothing was bought and nothing was paid; try again in a moment",
    )
}

fn invalid_limit(most: u32) -> Failure {
    Failure::new(
        ProblemKind::InvalidRequest,
        format!("limit must be a number from 1 to {most}"),
    )
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

fn limit(description: &str, default: u32, most: u32) -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(most))
        .default(Some(default.into()))
        .build();
    query("limit", description)
        .schema(Some(schema))
        .example(Some(5.into()))
        .build()
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
