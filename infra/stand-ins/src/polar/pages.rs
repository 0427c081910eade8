//! What people see: the checkout on which they pay, and the portal in which they find their orders. Plain HTML and forms.

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Service,
    handler::problem,
    request, shapes,
    shop::{Checkout, Discount, Order, Refused},
};
use crate::{
    html::{escaped, page},
    lock,
};

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/checkout/{id}", get(checkout).post(pay))
        .route("/portal", get(portal))
        .route("/portal/refund", post(refund))
}

/// `500` of `usd` -> `$5.00`
fn money(amount: u64, currency: &str) -> String {
    let (whole, cents) = (amount / 100, amount % 100);
    match currency {
        "usd" => format!("${whole}.{cents:02}"),
        other => format!("{whole}.{cents:02} {}", escaped(&other.to_uppercase())),
    }
}

fn not_here(what: &str) -> Response {
    let body = format!("<h1>Not here</h1><p>There is no such {what}.</p>");
    (StatusCode::NOT_FOUND, page("Not here", &body)).into_response()
}

async fn checkout(State(service): State<Arc<Service>>, Path(id): Path<Uuid>) -> Response {
    let shop = lock(&service.shop);
    match shop.checkout(id) {
        Some(checkout) => checkout_page(checkout).into_response(),
        None => not_here("checkout"),
    }
}

fn checkout_page(checkout: &Checkout) -> Html<String> {
    let pack = &checkout.product.pack;
    let amounts = checkout.amounts(Discount::default());
    let name = escaped(&pack.name);
    let [net, tax, total] =
        [amounts.net(), amounts.tax, amounts.total()].map(|amount| money(amount, &pack.currency));
    let below = match checkout.status(shapes::now()) {
        "succeeded" => paid_note(checkout),
        "expired" => "<p class=note>This checkout can no longer be paid.</p>".to_owned(),
        _ => forms(checkout, &total),
    };
    let body = format!(
        "<h1>{name}</h1>\
         <table><tr><td>{name}<td>{net}<tr><td>Taxes<td>{tax}<tr class=sum><td>Total<td>{total}</table>\
         {below}\
         <p class=note>This is Polar's stand-in. No money moves.</p>"
    );
    page("Checkout", &body)
}

fn forms(checkout: &Checkout, total: &str) -> String {
    let email = match &checkout.request.customer_email {
        Some(email) => format!("<p>{}</p>", escaped(email)),
        None => "<label>E-mail <input name=customer_email type=email required></label>".to_owned(),
    };
    let back = checkout.request.return_url.as_deref();
    let back = back.map_or_else(String::new, |url| {
        format!("<p><a href=\"{}\">Back</a></p>", escaped(url))
    });
    format!(
        "<form method=post>{email}\
         <button name=discount value=0>Pay {total}</button>\
         <button name=discount value=100 class=quiet>Pay with a 100 % discount</button></form>{back}"
    )
}

fn paid_note(checkout: &Checkout) -> String {
    let link = checkout.success_url().map_or_else(String::new, |url| {
        format!("<p><a href=\"{}\">Continue</a></p>", escaped(&url))
    });
    format!("<p class=good>Paid. Thank you!</p>{link}")
}

#[derive(Deserialize)]
struct Payment {
    customer_email: Option<String>,
    discount: u64,
}

async fn pay(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    Form(payment): Form<Payment>,
) -> Response {
    let email = payment.customer_email.filter(|it| request::is_email(it));
    let discount = Discount::percent(payment.discount).unwrap_or_default();
    match service.pay(id, email, discount) {
        // Paid twice by an impatient click: that is as good as once.
        Ok(_) | Err(Refused::Paid) => {
            let shop = lock(&service.shop);
            let url = shop.checkout(id).and_then(Checkout::success_url);
            Redirect::to(&url.unwrap_or_else(|| format!("/checkout/{id}"))).into_response()
        }
        Err(Refused::Unknown) => not_here("checkout"),
        Err(_) => Redirect::to(&format!("/checkout/{id}")).into_response(),
    }
}

#[derive(Deserialize)]
struct Visit {
    customer_session_token: String,
}

async fn portal(State(service): State<Arc<Service>>, Query(visit): Query<Visit>) -> Response {
    let shop = lock(&service.shop);
    let token = &visit.customer_session_token;
    let Some((customer, orders)) = shop.session(token) else {
        return not_here("session");
    };
    let mut body = format!("<h1>Your orders</h1><p>{}</p>", escaped(&customer.email));
    for order in orders {
        body.push_str(&order_row(order, token));
    }
    page("Your orders", &body).into_response()
}

fn order_row(order: &Order, token: &str) -> String {
    let money = |amount| money(amount, &order.product.pack.currency);
    let refunded = match order.refunded + order.refunded_tax {
        0 => String::new(),
        some => format!("<p>Given back: {}</p>", money(some)),
    };
    let form = match order.status() {
        "refunded" => String::new(),
        _ => format!(
            "<form method=post action=/portal/refund>\
             <input type=hidden name=customer_session_token value=\"{token}\">\
             <input type=hidden name=order_id value={}>\
             <button name=part value=half class=quiet>Refund half</button>\
             <button name=part value=all class=quiet>Refund all</button></form>",
            order.id,
        ),
    };
    format!(
        "<section><h2>{}</h2><p>{} · {} · {}</p>{refunded}{form}</section>",
        escaped(&order.product.pack.name),
        order.created_at.date(),
        money(order.amounts.total()),
        order.status().replace('_', " "),
    )
}

#[derive(Deserialize)]
struct MoneyBack {
    customer_session_token: String,
    order_id: Uuid,
    part: Part,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// Of what was paid, as far as so much is left.
    Half,
    All,
}

async fn refund(State(service): State<Arc<Service>>, Form(back): Form<MoneyBack>) -> Response {
    let amount = {
        let shop = lock(&service.shop);
        let session = shop.session(&back.customer_session_token);
        let orders = session.map(|(_, orders)| orders).unwrap_or_default();
        let Some(order) = orders.into_iter().find(|it| it.id == back.order_id) else {
            return not_here("order");
        };
        match back.part {
            Part::Half => Some((order.amounts.net() / 2).min(order.refundable())),
            Part::All => None,
        }
    };
    let portal = format!(
        "/portal?customer_session_token={}",
        back.customer_session_token
    );
    match service.refund(back.order_id, amount) {
        // Refunded twice by an impatient click: the page shows how it stands.
        Ok(_) | Err(Refused::Refunded) => Redirect::to(&portal).into_response(),
        Err(refused) => problem(refused).into_response(),
    }
}
