//! How things look on the wire: all that Polar says of a checkout, an order, a customer, a refund, with what a one-time
//! purchase has none of as null. Polar's own client parses it in `tests/node`.

use serde::Serialize;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::{Uuid, uuid};

use super::{
    request::RefundReason,
    shop::{Checkout, Customer, Discount, Order, Product, Refund},
};

/// The seller.
const ORGANIZATION: Uuid = uuid!("00000000-0000-4000-8000-0000000000aa");

/// This moment, as exactly as Polar keeps time.
pub(super) fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_microsecond(now.microsecond()).unwrap_or(now)
}

fn rfc3339(time: OffsetDateTime) -> Value {
    time.format(&Rfc3339).map_or(Value::Null, Value::from)
}

/// Puts the members of several objects into one.
fn merged(parts: impl IntoIterator<Item = Value>) -> Value {
    let mut whole = serde_json::Map::new();
    for part in parts {
        if let Value::Object(members) = part {
            whole.extend(members);
        }
    }
    Value::Object(whole)
}

fn nulls(names: &[&str]) -> Value {
    names.iter().map(|name| (*name, Value::Null)).collect()
}

/// What every record has.
fn record(id: Uuid, created_at: OffsetDateTime, modified_at: Option<OffsetDateTime>) -> Value {
    json!({
        "id": id,
        "created_at": rfc3339(created_at),
        "modified_at": modified_at.map(rfc3339),
    })
}

/// A page of a list.
pub(super) fn page(items: &[Value], count: usize, limit: usize) -> Value {
    json!({
        "items": items,
        "pagination": { "total_count": count, "max_page": count.div_ceil(limit) },
    })
}

fn product(product: &Product) -> Value {
    merged([
        record(product.id, OffsetDateTime::UNIX_EPOCH, None),
        json!({
            "name": product.pack.name,
            "visibility": "public",
            "is_recurring": false,
            "is_archived": false,
            "organization_id": ORGANIZATION,
        }),
        nulls(&[
            "description",
            "trial_interval",
            "trial_interval_count",
            "recurring_interval",
            "recurring_interval_count",
            "meter_interval",
            "meter_interval_count",
        ]),
    ])
}

fn price(product: &Product) -> Value {
    merged([
        record(product.price_id, OffsetDateTime::UNIX_EPOCH, None),
        json!({
            "source": "catalog",
            "amount_type": "fixed",
            "price_amount": product.pack.price,
            "price_currency": product.pack.currency,
            "tax_behavior": "exclusive",
            "is_archived": false,
            "product_id": product.id,
        }),
    ])
}

fn offered(offer: &Product) -> Value {
    merged([
        product(offer),
        json!({ "prices": [price(offer)], "benefits": [], "medias": [] }),
    ])
}

/// A customer.
pub(super) fn customer(customer: &Customer) -> Value {
    merged([
        record(customer.id, customer.created_at, None),
        json!({
            "external_id": customer.external_id,
            "email": customer.email,
            "email_verified": false,
            "type": "individual",
            "name": customer.name,
            "metadata": {},
            "organization_id": ORGANIZATION,
        }),
        nulls(&[
            "billing_name",
            "billing_address",
            "tax_id",
            "locale",
            "default_payment_method_id",
            "deleted_at",
            "avatar_url",
        ]),
    ])
}

/// A checkout whose pages are at this address.
pub(super) fn checkout(checkout: &Checkout, base_url: &str, now: OffsetDateTime) -> Value {
    let request = &checkout.request;
    let url = format!("{base_url}/checkout/{}", checkout.id);
    let amounts = checkout.amounts(Discount::default());
    let success_url = checkout.success_url().unwrap_or_else(|| url.clone());
    let customer = checkout.paid.as_ref().map(|(customer, _)| customer.id);
    merged([
        record(checkout.id, checkout.created_at, None),
        json!({
            "status": checkout.status(now),
            "client_secret": checkout.client_secret,
            "url": url,
            "expires_at": rfc3339(checkout.expires_at),
            "success_url": success_url,
            "return_url": request.return_url,
            "organization_id": ORGANIZATION,
            "payment_processor": "stripe",
            "payment_processor_metadata": {},
            "metadata": request.metadata,
        }),
        json!({
            "amount": amounts.subtotal,
            "discount_amount": amounts.discount,
            "net_amount": amounts.net(),
            "tax_amount": amounts.tax,
            "tax_behavior": "exclusive",
            "total_amount": amounts.total(),
            "currency": checkout.product.pack.currency,
            "product_id": checkout.product.id,
            "product_price_id": checkout.product.price_id,
            "product": offered(&checkout.product),
            "product_price": price(&checkout.product),
            "products": checkout.products.iter().map(offered).collect::<Vec<_>>(),
        }),
        json!({
            "allow_discount_codes": request.allow_discount_codes,
            "allow_trial": request.allow_trial,
            "require_billing_address": request.require_billing_address,
            "is_business_customer": request.is_business_customer,
            "is_discount_applicable": true,
            "is_free_product_price": false,
            "is_payment_required": true,
            "is_payment_setup_required": false,
            "is_payment_form_required": true,
            "attached_custom_fields": [],
            "billing_address_fields": {
                "country": "required", "state": "disabled", "city": "disabled", "postal_code": "disabled",
                "line1": "disabled", "line2": "disabled",
            },
        }),
        json!({
            "external_customer_id": request.external_customer_id,
            "customer_id": customer,
            "customer_name": request.customer_name,
            "customer_email": request.customer_email,
            "customer_metadata": {},
        }),
        nulls(&[
            "embed_origin",
            "active_trial_interval",
            "active_trial_interval_count",
            "trial_end",
            "trial_interval",
            "trial_interval_count",
            "discount",
            "discount_id",
            "subscription_id",
            "prices",
            "customer_ip_address",
            "customer_billing_name",
            "customer_billing_address",
            "customer_tax_id",
            "locale",
        ]),
    ])
}

/// An order.
pub(super) fn order(order: &Order) -> Value {
    let amounts = order.amounts;
    merged([
        record(order.id, order.created_at, order.modified_at),
        json!({
            "status": order.status(),
            "paid": true,
            "billing_reason": "purchase",
            "currency": order.product.pack.currency,
            "subtotal_amount": amounts.subtotal,
            "discount_amount": amounts.discount,
            "net_amount": amounts.net(),
            "tax_amount": amounts.tax,
            "total_amount": amounts.total(),
            "applied_balance_amount": 0,
            "due_amount": amounts.total(),
            "refunded_amount": order.refunded,
            "refunded_tax_amount": order.refunded_tax,
            "refundable_amount": order.refundable(),
            "refundable_tax_amount": order.refundable_tax(),
        }),
        json!({
            "customer_id": order.customer.id,
            "customer": customer(&order.customer),
            "product_id": order.product.id,
            "product": merged([product(&order.product), json!({ "metadata": {} })]),
            "checkout_id": order.checkout_id,
            "metadata": order.metadata,
            "discount_id": order.discount.map(|(id, _)| id),
            "discount": order.discount.map(|(id, discount)| discount_of(order, id, discount)),
            "description": order.product.pack.name,
            "invoice_number": format!("STANDIN-{:04}", order.number),
            "is_invoice_generated": false,
            "platform_fee_amount": 0,
            "platform_fee_currency": order.product.pack.currency,
            "items": [item(order)],
        }),
        nulls(&[
            "billing_name",
            "billing_address",
            "receipt_number",
            "seats",
            "subscription",
            "subscription_id",
            "next_payment_attempt_at",
        ]),
    ])
}

fn item(order: &Order) -> Value {
    merged([
        record(order.id, order.created_at, None),
        json!({
            "label": order.product.pack.name,
            "amount": order.amounts.subtotal,
            "tax_amount": order.amounts.tax,
            "proration": false,
            "product_price_id": order.product.price_id,
        }),
    ])
}

fn discount_of(order: &Order, id: Uuid, discount: Discount) -> Value {
    merged([
        record(id, order.created_at, None),
        json!({
            "duration": "once",
            "type": "percentage",
            "basis_points": discount.basis_points(),
            "name": "A discount of the stand-in",
            "redemptions_count": 1,
            "metadata": {},
            "organization_id": ORGANIZATION,
        }),
        nulls(&["code", "starts_at", "ends_at", "max_redemptions"]),
    ])
}

/// A refund that was asked for by the API.
pub(super) fn refund(
    refund: &Refund,
    reason: RefundReason,
    metadata: impl Serialize,
    revoke_benefits: bool,
) -> Value {
    merged([
        record(refund.id, refund.created_at, None),
        json!({
            "status": "succeeded",
            "reason": reason,
            "amount": refund.amount,
            "tax_amount": refund.tax,
            "currency": refund.order.product.pack.currency,
            "organization_id": ORGANIZATION,
            "order_id": refund.order.id,
            "customer_id": refund.order.customer.id,
            "metadata": json!(metadata),
            "revoke_benefits": revoke_benefits,
        }),
        nulls(&["subscription_id", "dispute"]),
    ])
}

/// A session of the portal.
pub(super) fn customer_session(
    token: &str,
    of: &Customer,
    return_url: Option<&str>,
    base_url: &str,
    now: OffsetDateTime,
) -> Value {
    merged([
        record(Uuid::new_v4(), now, None),
        json!({
            "token": token,
            "expires_at": rfc3339(now.saturating_add(time::Duration::HOUR)),
            "return_url": return_url,
            "customer_portal_url": format!("{base_url}/portal?customer_session_token={token}"),
            "customer_id": of.id,
            "customer": customer(of),
        }),
    ])
}

/// What a webhook says.
pub(super) fn event(kind: &str, data: &Value, now: OffsetDateTime) -> Value {
    json!({ "type": kind, "timestamp": rfc3339(now), "data": data })
}
