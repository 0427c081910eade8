//! The inbox, for people at `/` and for tests at `/inbox.json`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{Service, inbox::Arrived};
use crate::{
    html::{escaped, page},
    lock,
};

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/", get(list))
        .route("/inbox/{id}", get(mail))
        .route("/inbox.json", get(json))
}

/// `?to=`: only mails to this address.
#[derive(Deserialize)]
struct Filter {
    to: Option<String>,
}

impl Filter {
    fn fits(&self, mail: &Arrived) -> bool {
        self.to.as_ref().is_none_or(|to| mail.is_to(to))
    }
}

/// Oldest first.
async fn json(
    State(service): State<Arc<Service>>,
    Query(filter): Query<Filter>,
) -> Json<Vec<Arrived>> {
    let inbox = lock(&service.inbox);
    let mails = inbox.mails().iter().filter(|mail| filter.fits(mail));
    Json(mails.cloned().collect())
}

/// Newest first.
async fn list(State(service): State<Arc<Service>>, Query(filter): Query<Filter>) -> Html<String> {
    let inbox = lock(&service.inbox);
    let mails = inbox.mails().iter().rev().filter(|mail| filter.fits(mail));
    let rows: String = mails.map(row).collect();
    let body = if rows.is_empty() {
        "<h1>Inbox</h1><p>No mail yet.</p>".to_owned()
    } else {
        format!("<h1>Inbox</h1><table>{rows}</table>")
    };
    page("Inbox", &body)
}

fn row(arrived: &Arrived) -> String {
    format!(
        "<tr><td><a href=\"/inbox/{}\">{}</a><td>{}",
        arrived.id,
        escaped(&arrived.mail.subject),
        escaped(&arrived.mail.to.all().join(", ")),
    )
}

async fn mail(State(service): State<Arc<Service>>, Path(id): Path<Uuid>) -> Response {
    let inbox = lock(&service.inbox);
    let found = inbox.mails().iter().find(|mail| mail.id == id);
    found.map_or_else(not_here, |mail| mail_page(mail).into_response())
}

fn not_here() -> Response {
    let body = "<h1>Not here</h1><p>There is no such mail.</p>";
    (StatusCode::NOT_FOUND, page("Not here", body)).into_response()
}

fn mail_page(arrived: &Arrived) -> Html<String> {
    let mail = &arrived.mail;
    // What a mail holds is shown as a mail program would: without scripts, not as a page of ours, links in a new window.
    let html = mail.html.as_deref().map_or_else(String::new, |html| {
        let html = escaped(&format!("<base target=_blank>{html}"));
        format!("<iframe sandbox=\"allow-popups allow-popups-to-escape-sandbox\" srcdoc=\"{html}\"></iframe>")
    });
    let text = mail
        .text
        .as_deref()
        .map_or_else(String::new, |text| format!("<pre>{}</pre>", escaped(text)));
    let body = format!(
        "<p><a href=\"/\">Inbox</a></p><h1>{}</h1><p class=note>{} to {}</p>{html}{text}",
        escaped(&mail.subject),
        escaped(&mail.from),
        escaped(&mail.to.all().join(", ")),
    );
    page(&mail.subject, &body)
}
