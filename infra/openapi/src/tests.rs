//! The document against everything that it must agree with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use api::words;
use domain::{BatchState, Format, ImageRef, ImageState, OrderId, Quality, Reason};
use edge::http::ProblemKind;
use picture::{Kind, PictureRefused};
use provider::{EditError, ModerationStage};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use utoipa::PartialSchema;

use crate::schemas::IMAGE_CODES;

fn document() -> Value {
    serde_json::to_value(crate::document().unwrap()).unwrap()
}

fn root(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(file);
    std::fs::read_to_string(&path).unwrap_or_default()
}

/// Every operation, as `("GET /api/account", operation)`.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| {
                (format!("{} {path}", method.to_uppercase()), operation)
            })
        })
        .collect()
}

/// Every body that is described: where it is, and its media type object.
fn bodies(document: &Value) -> Vec<(String, &Value)> {
    let mut bodies = Vec::new();
    for (route, operation) in operations(document) {
        let request = operation
            .get("requestBody")
            .map(|request| (format!("{route} request"), request));
        let responses = operation["responses"].as_object().unwrap().iter();
        let responses = responses.map(|(status, response)| (format!("{route} {status}"), response));
        for (place, of) in request.into_iter().chain(responses) {
            let types = of["content"].as_object().into_iter().flatten();
            bodies.extend(types.map(|(media_type, body)| (format!("{place} {media_type}"), body)));
        }
    }
    bodies
}

/// Every example with its schema; there is no body without one.
fn examples(document: &Value) -> Vec<(String, &Value, &Value)> {
    let mut examples = Vec::new();
    for (place, body) in bodies(document) {
        let named: Vec<&Value> = body["examples"]
            .as_object()
            .map(|named| named.values().map(|example| &example["value"]).collect())
            .unwrap_or_default();
        let all: Vec<&Value> = named.into_iter().chain(body.get("example")).collect();
        assert!(!all.is_empty(), "{place} has no example");
        examples.extend(
            all.into_iter()
                .map(|example| (place.clone(), &body["schema"], example)),
        );
    }
    examples
}

/// The component that a schema is, or narrows.
fn component(schema: &Value) -> &str {
    let reference = schema.get("$ref").unwrap_or(&schema["allOf"][0]["$ref"]);
    reference
        .as_str()
        .unwrap()
        .strip_prefix("#/components/schemas/")
        .unwrap()
}

/// Reads a body as the Rust type behind a component, and writes it again.
fn reread(component: &str, body: Value) -> Option<Value> {
    fn by<T: DeserializeOwned + Serialize>(body: Value) -> Option<Value> {
        Some(serde_json::to_value(serde_json::from_value::<T>(body).ok()?).unwrap())
    }
    match component {
        "Account" => by::<api::Account>(body),
        "Settings" => by::<api::Settings>(body),
        "SettingsRequest" => by::<api::SettingsRequest>(body),
        "DeleteAccountRequest" => by::<api::DeleteAccountRequest>(body),
        "DeleteAccountResponse" => by::<api::DeleteAccountResponse>(body),
        "PresignRequest" => by::<api::PresignRequest>(body),
        "PresignResponse" => by::<api::PresignResponse>(body),
        "SubmitRequest" => by::<api::SubmitRequest>(body),
        "SubmitResponse" => by::<api::SubmitResponse>(body),
        "CancelResponse" => by::<api::CancelResponse>(body),
        "BatchStatus" => by::<api::BatchStatus>(body),
        "BatchHistory" => by::<api::BatchHistory>(body),
        "Packs" => by::<api::Packs>(body),
        "Balance" => by::<api::Balance>(body),
        "Transactions" => by::<api::Transactions>(body),
        "CheckoutRequest" => by::<api::CheckoutRequest>(body),
        "Checkout" => by::<api::Checkout>(body),
        "Portal" => by::<api::Portal>(body),
        "Problem" => by::<api::Problem>(body),
        // Not ours: the gateway's.
        "GatewayMessage" => body["message"].is_string().then_some(body),
        other => panic!("{other} is the body of a route, and no test reads it"),
    }
}

#[test]
fn the_file_is_the_document() {
    let file: Value = serde_json::from_str(&root("openapi.json")).unwrap_or_default();
    assert!(
        file == document(),
        "openapi.json is stale: refresh it with `cargo xtask openapi`, and commit it"
    );
}

/// `sam build` builds each function in its own folder, so its features are its own.
#[test]
fn no_function_links_what_makes_it() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
    let packages = std::fs::read_dir(functions).unwrap().map(|folder| {
        let name = folder.unwrap().file_name().into_string().unwrap();
        format!("--package={name}")
    });
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .args(packages)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    let links = |package: &str| {
        tree.lines()
            .any(|line| line.starts_with(&format!("{package} v")))
    };
    assert!(
        links("submit-batch") && links("api"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        !links("utoipa"),
        "a function links utoipa: which of its crates asks for the feature `openapi`?"
    );
}

#[test]
fn its_routes_are_the_templates() {
    let template: serde_yaml_ng::Value = serde_yaml_ng::from_str(&root("template.yaml")).unwrap();
    let api = &template["Resources"]["HttpApi"]["Properties"]["Auth"];
    assert!(
        api["DefaultAuthorizer"].is_string(),
        "routes are closed unless they say otherwise"
    );
    let mut routes = BTreeMap::new();
    for resource in template["Resources"].as_mapping().unwrap().values() {
        let events = resource["Properties"]["Events"].as_mapping();
        for event in events.into_iter().flat_map(|events| events.values()) {
            if event["Type"].as_str() == Some("HttpApi") {
                let event = &event["Properties"];
                let (method, path) = (
                    event["Method"].as_str().unwrap(),
                    event["Path"].as_str().unwrap(),
                );
                let open = event["Auth"]["Authorizer"].as_str() == Some("NONE");
                routes.insert(format!("{} {path}", method.to_uppercase()), open);
            }
        }
    }
    let document = document();
    assert_eq!(document["security"], json!([{"idToken": []}]));
    let described: BTreeMap<_, _> = operations(&document)
        .into_iter()
        .map(|(route, operation)| (route, operation["security"] == json!([])))
        .collect();
    assert_eq!(
        described, routes,
        "method, path, and whether anybody may call it"
    );
}

#[test]
fn operations_have_names_and_words() {
    let document = document();
    let mut names = BTreeSet::new();
    for (route, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        let camel_case = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric());
        assert!(camel_case && names.insert(name), "{route}: {name}");
        for words in ["summary", "description"] {
            assert!(operation[words].is_string(), "{route} has no {words}");
        }
    }
}

#[test]
fn examples_are_what_the_types_read_and_write() {
    let document = document();
    for (place, schema, example) in examples(&document) {
        let read = reread(component(schema), example.clone());
        assert_eq!(read.as_ref(), Some(example), "{place}");
    }
}

/// One property that a schema speaks of, at one place of one example.
struct Property {
    /// JSON pointer into the example.
    pointer: String,
    /// `Options.quality`
    name: String,
    required: bool,
    present: bool,
}

/// Holds a value against its schema, and collects the properties on the way.
fn walk(
    document: &Value,
    schema: &Value,
    value: &Value,
    pointer: &str,
    properties: &mut Vec<Property>,
) {
    if let Some(all) = schema["allOf"].as_array() {
        for part in all {
            walk(document, part, value, pointer, properties);
        }
        return;
    }
    let (name, schema) = match schema.get("$ref") {
        Some(_) => (
            component(schema),
            &document["components"]["schemas"][component(schema)],
        ),
        None => ("", schema),
    };
    if let Some(words) = schema["enum"].as_array() {
        assert!(
            words.contains(value),
            "{pointer}: {value} is none of {words:?}"
        );
    }
    let fits = match schema["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => {
            let bound = |name: &str| schema[name].as_u64();
            value.as_u64().is_some_and(|number| {
                bound("minimum").is_none_or(|least| least <= number)
                    && bound("maximum").is_none_or(|most| number <= most)
            }) || (value.is_i64() && bound("minimum").is_none())
        }
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{pointer}: no test knows the type {other}"),
    };
    assert!(fits, "{pointer}: {value} is no {schema}");
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        walk(
            document,
            &schema["items"],
            item,
            &format!("{pointer}/{index}"),
            properties,
        );
    }
    let Some(described) = schema["properties"].as_object() else {
        return;
    };
    for (property, of) in described {
        let pointer = format!("{pointer}/{property}");
        let present = value.get(property);
        if !name.is_empty() {
            properties.push(Property {
                pointer: pointer.clone(),
                name: format!("{name}.{property}"),
                required: schema["required"]
                    .as_array()
                    .is_some_and(|names| names.contains(&json!(property))),
                present: present.is_some(),
            });
            assert!(
                of["description"].is_string(),
                "{name}.{property} has no description"
            );
        }
        if let Some(present) = present {
            walk(document, of, present, &pointer, properties);
        }
    }
    if !name.is_empty() {
        let unknown: Vec<_> = value
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| !described.contains_key(*key))
            .collect();
        assert!(unknown.is_empty(), "{name} does not speak of {unknown:?}");
    }
}

#[test]
fn required_is_what_serde_requires() {
    let document = document();
    let mut shown = BTreeMap::new();
    for (place, schema, example) in examples(&document) {
        let mut properties = Vec::new();
        walk(&document, schema, example, "", &mut properties);
        for property in properties {
            *shown.entry(property.name.clone()).or_insert(false) |= property.present;
            if property.present {
                let (parent, key) = property.pointer.rsplit_once('/').unwrap();
                let mut without = example.clone();
                without
                    .pointer_mut(parent)
                    .unwrap()
                    .as_object_mut()
                    .unwrap()
                    .remove(key);
                let readable = reread(component(schema), without).is_some();
                assert_eq!(readable, !property.required, "{place}: {}", property.name);
            } else {
                assert!(!property.required, "{place} lacks {}", property.name);
            }
        }
    }
    for (schema, of) in document["components"]["schemas"].as_object().unwrap() {
        for property in of["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            let name = format!("{schema}.{property}");
            assert_eq!(shown.get(&name), Some(&true), "no example shows {name}");
        }
    }
}

#[test]
fn problems_are_those_of_the_table() {
    let document = document();
    let table: BTreeMap<_, _> = ProblemKind::ALL
        .into_iter()
        .map(|kind| (kind.code(), kind.status()))
        .collect();
    let mut described = BTreeMap::new();
    for (route, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let body = &response["content"][api::PROBLEM_CONTENT_TYPE];
            assert_eq!(body.is_null(), status.as_str() < "400", "{route} {status}");
            let codes = body["schema"]["allOf"][1]["properties"]["code"]["enum"].as_array();
            let codes: Vec<_> = codes
                .into_iter()
                .flatten()
                .map(|code| code.as_str().unwrap())
                .collect();
            let examples: BTreeSet<_> = body["examples"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(code, _)| code.as_str())
                .collect();
            assert_eq!(
                examples,
                codes.iter().copied().collect(),
                "{route} {status}"
            );
            described.extend(
                codes
                    .into_iter()
                    .map(|code| (code, status.parse().unwrap())),
            );
        }
    }
    assert_eq!(described, table);
    let list = &document["components"]["schemas"]["Problem"]["properties"]["code"]["description"];
    for (code, status) in table {
        assert!(
            list.as_str()
                .unwrap()
                .contains(&format!("- `{code}` ({status})")),
            "{code}"
        );
    }
}

#[test]
fn words_are_those_of_the_rules() {
    fn words<T: PartialSchema>() -> Vec<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        serde_json::from_value(schema["enum"].clone()).unwrap()
    }
    assert_eq!(
        words::<words::Quality>(),
        Quality::NAMES.map(|(name, _)| name)
    );
    let priced: BTreeSet<_> = domain::PriceTable::default()
        .bands()
        .iter()
        .map(|band| band.quality.name())
        .collect();
    assert_eq!(
        words::<words::PricedQuality>()
            .iter()
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        priced
    );
    assert_eq!(words::<words::Format>(), Format::ALL.map(Format::name));
    assert_eq!(
        words::<words::MediaType>(),
        Format::ALL.map(Format::media_type)
    );
    let images = [
        ImageState::Pending,
        ImageState::Processing,
        ImageState::Completed,
        ImageState::Failed,
        ImageState::Canceled,
    ];
    assert_eq!(words::<words::ImageState>(), images.map(ImageState::name));
    let batches = images.map(|image| match image {
        // A new state of either does not compile here before it has words.
        ImageState::Pending => BatchState::Pending,
        ImageState::Processing => BatchState::Processing,
        ImageState::Completed => BatchState::Completed,
        ImageState::Failed => BatchState::Failed,
        ImageState::Canceled => BatchState::Canceled,
    });
    let places = batches.map(|batch| match batch {
        BatchState::Pending => 0,
        BatchState::Processing => 1,
        BatchState::Completed => 2,
        BatchState::Failed => 3,
        BatchState::Canceled => 4,
    });
    assert_eq!(places, [0, 1, 2, 3, 4]);
    assert_eq!(words::<words::BatchState>(), batches.map(BatchState::name));
    let batch_id = "9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f".parse().unwrap();
    let order: OrderId = "ord_1".parse().unwrap();
    let reasons = [
        Reason::Welcome,
        Reason::Debit(batch_id),
        Reason::Refund(ImageRef { batch_id, index: 0 }),
        Reason::Order(order.clone()),
        Reason::OrderRefund { order, refunded: 1 },
        Reason::Adjust(uuid::Uuid::nil()),
    ];
    let places = reasons.each_ref().map(|reason| match reason {
        // Nor does a new reason.
        Reason::Welcome => 0,
        Reason::Debit(_) => 1,
        Reason::Refund(_) => 2,
        Reason::Order(_) => 3,
        Reason::OrderRefund { .. } => 4,
        Reason::Adjust(_) => 5,
    });
    assert_eq!(places, [0, 1, 2, 3, 4, 5]);
    let kinds = reasons.each_ref().map(Reason::kind);
    assert_eq!(words::<words::TransactionKind>(), kinds);
}

#[test]
fn codes_of_images_are_those_that_exist() {
    let photos = [
        PictureRefused::Missing,
        PictureRefused::Empty,
        PictureRefused::TooManyBytes { bytes: 2, most: 1 },
        PictureRefused::TooManyPixels { pixels: 2, most: 1 },
        PictureRefused::TooLong { side: 2, most: 1 },
        PictureRefused::WrongType(Kind::Gif),
        PictureRefused::UnknownType,
        PictureRefused::Animated,
        PictureRefused::Truncated,
        PictureRefused::Damaged,
    ];
    let places = photos.each_ref().map(|refused| match refused {
        // A new reason does not compile here before it is listed.
        PictureRefused::Missing => 0,
        PictureRefused::Empty => 1,
        PictureRefused::TooManyBytes { .. } => 2,
        PictureRefused::TooManyPixels { .. } => 3,
        PictureRefused::TooLong { .. } => 4,
        PictureRefused::WrongType(_) => 5,
        PictureRefused::UnknownType => 6,
        PictureRefused::Animated => 7,
        PictureRefused::Truncated => 8,
        PictureRefused::Damaged => 9,
    });
    assert_eq!(places, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let (code, request_id) = (None, None);
    let edits = [
        EditError::Moderated {
            stage: Some(ModerationStage::Input),
            categories: vec![],
            request_id: request_id.clone(),
        },
        EditError::Refused {
            status: 400,
            code: code.clone(),
            param: None,
            request_id: request_id.clone(),
        },
        EditError::PhotoNotFetched {
            code: code.clone(),
            request_id: request_id.clone(),
        },
        EditError::RateLimited {
            retry_after: None,
            code,
            request_id,
        },
    ];
    let codes: Vec<_> = photos
        .iter()
        .map(PictureRefused::code)
        .chain(edits.iter().map(EditError::code))
        // These have no value that a test could make, or are our own words.
        .chain([
            "provider_unreachable",
            "provider_outcome_unknown",
            "deadline_passed",
            "internal_error",
        ])
        .collect();
    assert_eq!(IMAGE_CODES.map(|(code, _)| code).as_slice(), codes);
    let ours = [
        "functions/edit-image/src/handler.rs",
        "shared/domain/src/image.rs",
    ]
    .map(root)
    .concat();
    let theirs = root("shared/provider/src/error.rs");
    for code in codes.iter().rev().take(4) {
        assert!(
            [&ours, &theirs]
                .iter()
                .any(|source| source.contains(&format!("\"{code}\""))),
            "{code}"
        );
    }
}
