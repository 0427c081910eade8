//! The endpoints of the vendor, from token to answer.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    Service,
    refusal::Refusal,
    request::{self, CheckoutCreate, CustomerSessionCreate, OrdersQuery, RefundCreate},
    shapes,
    shop::{Discount, Order, Refund, Refused},
    webhooks::News,
};
use crate::lock;

type Answer<T> = Result<T, Refusal>;

/// `POST /v1/checkouts/`
pub(super) async fn create_checkout(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<impl IntoResponse> {
    service.authorise(&headers)?;
    let request: CheckoutCreate = request::body(&body)?;
    let products = request.check()?;
    let settings = {
        let settings = lock(&service.settings);
        let customer = request.external_customer_id.as_deref();
        settings.check_outage(customer)?;
        settings.of(customer)
    };
    let now = shapes::now();
    let mut shop = lock(&service.shop);
    let checkout = shop.check_out(request, &products, settings.tax_percent, now);
    let checkout =
        checkout.ok_or_else(|| Refusal::in_body("products", "Product does not exist."))?;
    let answer = shapes::checkout(checkout, &service.base_url, now);
    Ok((StatusCode::CREATED, Json(answer)))
}

/// `GET /v1/checkouts/{id}`
pub(super) async fn checkout(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    service.authorise(&headers)?;
    let shop = lock(&service.shop);
    let checkout = request::uuid(&id).and_then(|id| shop.checkout(id));
    let checkout = checkout.ok_or_else(Refusal::not_found)?;
    let customer = checkout.request.external_customer_id.as_deref();
    lock(&service.settings).check_outage(customer)?;
    let answer = shapes::checkout(checkout, &service.base_url, shapes::now());
    Ok(Json(answer))
}

/// `POST /v1/customer-sessions/`
pub(super) async fn create_customer_session(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<impl IntoResponse> {
    service.authorise(&headers)?;
    let request: CustomerSessionCreate = request::body(&body)?;
    request.check()?;
    let external_id = request.external_customer_id.as_deref();
    lock(&service.settings).check_outage(external_id)?;
    let mut shop = lock(&service.shop);
    let (field, customer) = match (external_id, &request.customer_id) {
        (Some(external_id), None) => (
            "external_customer_id",
            shop.customer(|it| it.external_id.as_deref() == Some(external_id)),
        ),
        (None, Some(id)) => {
            let id = request::uuid(id);
            let customer = id.and_then(|id| shop.customer(|it| it.id == id));
            ("customer_id", customer)
        }
        _ => {
            let message = "exactly one of customer_id and external_customer_id is needed";
            return Err(Refusal::invalid(&["body"], message));
        }
    };
    let customer = customer.cloned();
    let customer = customer.ok_or_else(|| Refusal::in_body(field, "Customer does not exist."))?;
    let token = shop.open_session(customer.id);
    let return_url = request.return_url.as_deref();
    let session = shapes::customer_session(
        &token,
        &customer,
        return_url,
        &service.base_url,
        shapes::now(),
    );
    Ok((StatusCode::CREATED, Json(session)))
}

/// `GET /v1/orders/`
pub(super) async fn orders(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    Query(query): Query<Vec<(String, String)>>,
) -> Answer<Json<Value>> {
    service.authorise(&headers)?;
    let query = OrdersQuery::read(query)?;
    lock(&service.settings).check_outage(query.customer())?;
    let shop = lock(&service.shop);
    let (orders, count) = shop.orders(&query);
    let orders: Vec<_> = orders.into_iter().map(shapes::order).collect();
    Ok(Json(shapes::page(&orders, count, query.limit())))
}

/// `GET /v1/orders/{id}`
pub(super) async fn order(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer<Json<Value>> {
    service.authorise(&headers)?;
    let shop = lock(&service.shop);
    let order = request::uuid(&id).and_then(|id| shop.order(id));
    let order = order.ok_or_else(Refusal::not_found)?;
    lock(&service.settings).check_outage(order.customer.external_id.as_deref())?;
    Ok(Json(shapes::order(order)))
}

/// `POST /v1/refunds/`
pub(super) async fn create_refund(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<impl IntoResponse> {
    service.authorise(&headers)?;
    let request: RefundCreate = request::body(&body)?;
    let order = request.check()?;
    let customer = {
        let shop = lock(&service.shop);
        let order = shop.order(order);
        order.and_then(|order| order.customer.external_id.clone())
    };
    lock(&service.settings).check_outage(customer.as_deref())?;
    let refund = service.refund(order, Some(request.amount));
    let refund = refund.map_err(|refused| match refused {
        Refused::TooMuch(left) => Refusal::new(
            StatusCode::BAD_REQUEST,
            "RefundAmountTooHigh",
            format!("Refund amount exceeds remaining order balance: {left}"),
        ),
        Refused::Refunded => Refusal::new(
            StatusCode::FORBIDDEN,
            "RefundedAlready",
            format!("Order is already fully refunded: {order}"),
        ),
        _ => Refusal::in_body("order_id", "Order not found"),
    })?;
    let answer = shapes::refund(
        &refund,
        request.reason,
        request.metadata,
        request.revoke_benefits,
    );
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Anything else; that includes the known paths without their last slash.
pub(super) async fn unknown_route() -> Refusal {
    Refusal::not_found()
}

impl Service {
    fn authorise(&self, headers: &HeaderMap) -> Answer<()> {
        let value = headers.get(header::AUTHORIZATION);
        let value = value.and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer "));
        if token == Some(self.access_token.as_str()) {
            Ok(())
        } else {
            Err(Refusal::bad_token())
        }
    }

    /// Pays a checkout and tells of it.
    pub(super) fn pay(
        &self,
        checkout: uuid::Uuid,
        email: Option<String>,
        discount: Discount,
    ) -> Result<Order, Refused> {
        let order = lock(&self.shop).pay(checkout, email, discount, shapes::now())?;
        self.tell("order.created", &order);
        self.tell("order.paid", &order);
        Ok(order)
    }

    /// Gives money back and tells of it.
    pub(super) fn refund(&self, order: uuid::Uuid, amount: Option<u64>) -> Result<Refund, Refused> {
        let refund = lock(&self.shop).refund(order, amount, shapes::now())?;
        self.tell("order.refunded", &refund.order);
        Ok(refund)
    }

    fn tell(&self, kind: &'static str, order: &Order) {
        let customer = order.customer.external_id.clone();
        let settings = lock(&self.settings).of(customer.as_deref());
        let event = shapes::event(kind, &shapes::order(order), shapes::now());
        let news = News {
            kind,
            order_id: order.id,
            customer,
            body: event.to_string(),
        };
        self.webhooks.tell(news, &settings);
    }
}

/// What the control API and the pages say of a payment or refund that was not made.
pub(super) fn problem(refused: Refused) -> (StatusCode, Json<Value>) {
    let (status, detail) = match refused {
        Refused::Unknown => (
            StatusCode::NOT_FOUND,
            "there is none with this id".to_owned(),
        ),
        Refused::Paid => (StatusCode::CONFLICT, "it is paid already".to_owned()),
        Refused::Expired => (StatusCode::GONE, "it can no longer be paid".to_owned()),
        Refused::NoEmail => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "the checkout has no customer_email, so say which".to_owned(),
        ),
        Refused::Refunded => (StatusCode::CONFLICT, "all of it is refunded".to_owned()),
        Refused::TooMuch(left) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("only {left} can be given back"),
        ),
    };
    (status, Json(json!({ "detail": detail })))
}
