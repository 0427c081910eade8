//! The problems that a route can answer, as responses: one a status, with the codes that come with it.

use std::collections::BTreeMap;

use anyhow::Result;
use api::{PROBLEM_CONTENT_TYPE, Problem};
use edge::http::{Failure, ProblemKind};
use utoipa::ToSchema as _;
use utoipa::openapi::{
    AllOfBuilder, ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, Response, ResponseBuilder,
    Type,
    example::{Example, ExampleBuilder},
};

use crate::schemas::GATEWAY_MESSAGE;

/// The responses that these failures become, by status. Each is an example of its code.
pub(crate) fn responses(failures: Vec<Failure>) -> Result<BTreeMap<u16, Response>> {
    let mut by_status: BTreeMap<u16, Vec<Failure>> = BTreeMap::new();
    for failure in failures {
        by_status.entry(failure.status()).or_default().push(failure);
    }
    by_status
        .into_iter()
        .map(|(status, failures)| Ok((status, response(status, failures)?)))
        .collect()
}

fn response(status: u16, failures: Vec<Failure>) -> Result<Response> {
    let kinds: Vec<ProblemKind> = failures.iter().map(Failure::kind).collect();
    let lines: Vec<String> = kinds
        .iter()
        .map(|kind| format!("`{}`: {}.", kind.code(), kind.title()))
        .collect();
    // The shape that every problem has, narrowed to the codes of this answer.
    let codes = ObjectBuilder::new()
        .property(
            "code",
            ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some(kinds.iter().map(|kind| kind.code()))),
        )
        .required("code");
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name(Problem::name()))
        .item(codes);
    let examples = failures
        .into_iter()
        .map(example)
        .collect::<Result<Vec<_>>>()?;
    let mut response = ResponseBuilder::new().description(lines.join(" ")).content(
        PROBLEM_CONTENT_TYPE,
        ContentBuilder::new()
            .schema(Some(schema))
            .examples_from_iter(examples)
            .build(),
    );
    if kinds.contains(&ProblemKind::Unauthenticated) {
        // The gateway looks at the token first.
        response = response.content(
            "application/json",
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(GATEWAY_MESSAGE)))
                .example(Some(serde_json::json!({"message": "Unauthorized"})))
                .build(),
        );
    }
    if [ProblemKind::Busy.status(), ProblemKind::Backlog.status()].contains(&status) {
        let seconds = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .build();
        let header = HeaderBuilder::new()
            .schema(Some(seconds))
            .description(Some("Seconds to wait before asking again."))
            .build();
        response = response.header("Retry-After", header);
    }
    Ok(response.build())
}

fn example(failure: Failure) -> Result<(&'static str, Example)> {
    let kind = failure.kind();
    let example = ExampleBuilder::new()
        .summary(kind.title())
        .value(Some(serde_json::to_value(failure.problem())?))
        .build();
    Ok((kind.code(), example))
}
