//! What the provider's answers become: the table of `facts/openai-images.md`, row by row.

use std::time::Duration;

use bytes::Bytes;
use provider::{
    Client, Doubt, EditError, EditRequest, Input, ModerationStage, Outcome, PictureFormat,
};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::{PROMPT, by_url, client, config, edited, key, picture, serving};

/// What an answer becomes. That the server was called exactly once is checked as well.
async fn error_of(answer: ResponseTemplate, request: EditRequest<'_>) -> EditError {
    let answer = answer.insert_header("x-request-id", "req_0a1b");
    let server = serving(answer).await;
    let error = client(&server.uri())
        .edit(&key(), request)
        .await
        .unwrap_err();
    assert_eq!(error.request_id(), Some("req_0a1b"), "{error}");
    error
}

/// An error in the vendor's envelope, whose message quotes what must not get out.
fn refusal(
    status: u16,
    kind: Option<&str>,
    code: Option<&str>,
    param: Option<&str>,
) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"error": {
        "message": format!("We did not like {PROMPT} at https://example.com/?X-Amz-Signature=abc"),
        "type": kind,
        "param": param,
        "code": code,
    }}))
}

fn by_bytes() -> EditRequest<'static> {
    EditRequest {
        input: Input::Bytes {
            bytes: Bytes::from(picture(PictureFormat::Jpeg)),
            format: PictureFormat::Jpeg,
        },
        ..by_url()
    }
}

/// An error with everything beneath it, as a log would show it.
fn printed(error: &EditError) -> String {
    let mut text = format!("{error:?}");
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

/// Status, type, code, parameter (`-` is null), and the branch that the answer becomes.
const TABLE: &str = "
    400 image_generation_user_error moderation_blocked                - moderation_blocked
    400 invalid_request_error       content_policy_violation          - moderation_blocked

    400 invalid_request_error       unsupported_file_mimetype     image edit_refused
    400 invalid_request_error       invalid_value                  size edit_refused
    400 invalid_request_error       -                                 - edit_refused
    413 -                           -                                 - edit_refused
    415 -                           -                                 - edit_refused
    422 -                           -                                 - edit_refused

    400 invalid_request_error       invalid_image_url                 - photo_not_fetched
    400 invalid_request_error       invalid_value                   url photo_not_fetched

    401 invalid_request_error       invalid_api_key                   - provider_unauthorized
    403 -                           -                                 - provider_unauthorized

    307 -                           -                                 - provider_misconfigured
    400 invalid_request_error       model_not_found                   - provider_misconfigured
    400 invalid_request_error       invalid_value                 model provider_misconfigured
    400 invalid_request_error       unknown_parameter           quality provider_misconfigured
    404 invalid_request_error       model_not_found                   - provider_misconfigured
    405 -                           -                                 - provider_misconfigured

    429 requests                    rate_limit_exceeded               - provider_rate_limited
    429 requests                    slow_down                         - provider_rate_limited
    429 requests                    never_heard_of                    - provider_rate_limited
    429 -                           -                                 - provider_rate_limited

    429 insufficient_quota          -                                 - provider_out_of_money
    429 -                           insufficient_quota                - provider_out_of_money
    429 -                           credit_balance_exhausted          - provider_out_of_money
    429 -                           project_spend_limit_exceeded      - provider_out_of_money
    429 -                           organization_usage_limit_exceeded - provider_out_of_money
    400 invalid_request_error       billing_hard_limit_reached        - provider_out_of_money
    402 -                           -                                 - provider_out_of_money

    408 -                           -                                 - provider_outcome_unknown
    409 -                           -                                 - provider_outcome_unknown
    500 server_error                -                                 - provider_outcome_unknown
    502 -                           -                                 - provider_outcome_unknown
    503 server_error                slow_down                         - provider_outcome_unknown
    504 -                           -                                 - provider_outcome_unknown
    520 -                           -                                 - provider_outcome_unknown
";

fn outcome_of(branch: &str) -> Outcome {
    match branch {
        "moderation_blocked" | "edit_refused" => Outcome::FinalForImage,
        "photo_not_fetched" | "provider_rate_limited" => Outcome::NotBought,
        "provider_unauthorized" | "provider_misconfigured" | "provider_out_of_money" => {
            Outcome::OperatorMustAct
        }
        "provider_outcome_unknown" => Outcome::Unknown,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_row_of_the_table_is_a_branch() {
    for row in TABLE.lines().filter(|row| !row.trim().is_empty()) {
        let columns: Vec<_> = row.split_whitespace().collect();
        let [status, kind, code, param, branch] = columns[..] else {
            panic!("{row}");
        };
        let [kind, code, param] =
            [kind, code, param].map(|word| Some(word).filter(|word| *word != "-"));
        let answer = refusal(status.parse().unwrap(), kind, code, param)
            .insert_header("location", "/elsewhere");
        let error = error_of(answer, by_url()).await;
        assert_eq!(error.code(), branch, "{row}");
        assert_eq!(error.outcome(), outcome_of(branch), "{row}");
        let message = error.public_message();
        assert_eq!(
            message.is_some(),
            error.outcome() == Outcome::FinalForImage,
            "{row}"
        );
        let printed = printed(&error) + &message.unwrap_or_default();
        for secret in ["watercolour", "Signature", "sk-test"] {
            assert!(!printed.contains(secret), "{row}: {printed}");
        }
    }
}

#[tokio::test]
async fn a_fetch_that_we_did_not_ask_for_is_a_refusal() {
    let answer = refusal(400, None, Some("invalid_image_url"), None);
    assert_eq!(error_of(answer, by_bytes()).await.code(), "edit_refused");
}

#[tokio::test]
async fn errors_without_the_envelope_go_by_their_status() {
    for (status, branch) in [
        (400, "edit_refused"),
        (403, "provider_unauthorized"),
        (404, "provider_misconfigured"),
        (429, "provider_rate_limited"),
        (502, "provider_outcome_unknown"),
    ] {
        for body in ["", "<html>Bad Gateway</html>", r#"{"error": "no"}"#] {
            let answer = ResponseTemplate::new(status).set_body_string(body);
            let error = error_of(answer, by_url()).await;
            assert_eq!(error.code(), branch, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn moderation_says_when_and_why() {
    for (details, expected_stage, expected_categories) in [
        (json!(null), None, vec![]),
        (
            json!({"moderation_stage": "input", "categories": ["violence"]}),
            Some(ModerationStage::Input),
            vec!["violence"],
        ),
        (
            json!({"moderation_stage": "output", "categories": ["sexual/minors", "hate"]}),
            Some(ModerationStage::Output),
            vec!["sexual/minors", "hate"],
        ),
        (
            json!({"moderation_stage": "afterwards", "categories": {}}),
            None,
            vec![],
        ),
    ] {
        let answer = ResponseTemplate::new(400).set_body_json(json!({"error": {
            "message": "no", "type": "image_generation_user_error", "param": null,
            "code": "moderation_blocked", "moderation_details": details,
        }}));
        match error_of(answer, by_url()).await {
            EditError::Moderated {
                stage, categories, ..
            } => {
                assert_eq!(stage, expected_stage, "{details}");
                assert_eq!(categories, expected_categories, "{details}");
            }
            other => panic!("{details}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_limit_and_an_overload_say_how_long() {
    for (name, value, expected) in [
        ("retry-after-ms", "1500", Some(Duration::from_millis(1500))),
        ("retry-after", "20", Some(Duration::from_secs(20))),
        ("retry-after", "0.5", Some(Duration::from_millis(500))),
        (
            "x-ratelimit-reset-images",
            "58.891s",
            Some(Duration::from_millis(58_891)),
        ),
        (
            "x-ratelimit-reset-tokens",
            "120ms",
            Some(Duration::from_millis(120)),
        ),
        ("x-other", "1", None),
    ] {
        for (status, branch) in [
            (429, "provider_rate_limited"),
            (503, "provider_outcome_unknown"),
        ] {
            let answer = refusal(status, None, Some("slow_down"), None).insert_header(name, value);
            let error = error_of(answer, by_url()).await;
            assert_eq!(error.code(), branch);
            assert_eq!(error.retry_after(), expected, "{status} {name}: {value}");
        }
    }
}

#[tokio::test]
async fn a_success_without_a_whole_picture_leaves_the_outcome_unknown() {
    let png = picture(PictureFormat::Png);
    let json = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    let text = |body: &str| ResponseTemplate::new(200).set_body_string(body);
    let complete = edited(&png).to_string();
    let url = json!({"data": [{"url": "https://example.com/1.png"}]});
    let prose = json!({"data": [{"b64_json": "not base64!"}]});
    for (case, answer, expected) in [
        ("nothing", text(""), "Malformed"),
        ("no content", ResponseTemplate::new(204), "Malformed"),
        ("HTML", text("<html></html>"), "Malformed"),
        ("half", text(&complete[..complete.len() / 2]), "Malformed"),
        ("odd data", json(json!({"data": "x"})), "Malformed"),
        (
            "an error",
            json(json!({"error": {"code": "x"}})),
            "NoPicture",
        ),
        ("no data", json(json!({"data": []})), "NoPicture"),
        ("null data", json(json!({"data": null})), "NoPicture"),
        ("a URL", json(url), "NoPicture"),
        ("an empty picture", json(edited(b"")), "NoPicture"),
        ("no base64", json(prose), "NotBase64"),
        ("no picture", json(edited(b"paint it blue")), "NotWhole"),
        (
            "half a picture",
            json(edited(&png[..png.len() / 2])),
            "NotWhole",
        ),
        (
            "another format",
            json(edited(&picture(PictureFormat::Jpeg))),
            "NotWhole",
        ),
    ] {
        let error = error_of(answer, by_url()).await;
        assert_eq!(error.outcome(), Outcome::Unknown, "{case}");
        assert_eq!(error.public_message(), None, "{case}");
        let EditError::UnknownOutcome { doubt, .. } = error else {
            panic!("{case}: {error:?}");
        };
        let doubt = format!("{doubt:?}");
        assert!(doubt.starts_with(expected), "{case}: {doubt}");
    }
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    let server =
        serving(ResponseTemplate::new(200).set_body_json(edited(&picture(PictureFormat::Png))))
            .await;
    let mut config = config(&server.uri());
    config.max_answer_bytes = 100;
    let error = Client::new(&config)
        .unwrap()
        .edit(&key(), by_url())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            EditError::UnknownOutcome {
                doubt: Doubt::TooLong { limit: 100 },
                ..
            }
        ),
        "{error:?}"
    );
}
