//! What was offered, paid and given back. Pure: the caller brings the time, and tells the world.

use std::collections::HashMap;

use domain::Pack;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::request::{CheckoutCreate, OrdersQuery};

/// How long a checkout can be paid.
const CHECKOUT_LIFETIME: Duration = Duration::HOUR;

/// A pack, as Polar knows it.
#[derive(Clone, Debug)]
pub(super) struct Product {
    pub(super) id: Uuid,
    pub(super) price_id: Uuid,
    pub(super) pack: Pack,
}

/// Somebody who has paid at least once.
#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) id: Uuid,
    pub(super) external_id: Option<String>,
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) created_at: OffsetDateTime,
}

/// An offer to somebody.
#[derive(Debug)]
pub(super) struct Checkout {
    pub(super) id: Uuid,
    pub(super) client_secret: String,
    pub(super) request: CheckoutCreate,
    pub(super) products: Vec<Product>,
    pub(super) product: Product,
    pub(super) tax_percent: u64,
    pub(super) created_at: OffsetDateTime,
    pub(super) expires_at: OffsetDateTime,
    /// Who has paid it, and by which order.
    pub(super) paid: Option<(Customer, Uuid)>,
}

/// How much of a price is let off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Discount(u64);

impl Discount {
    /// So many per cent; none if it is more than all of it.
    pub(super) fn percent(percent: u64) -> Option<Self> {
        (percent <= 100).then_some(Self(percent))
    }

    /// Of this amount.
    fn of(self, amount: u64) -> u64 {
        share(amount, self.0, 100)
    }

    /// As Polar counts.
    pub(super) fn basis_points(self) -> u64 {
        self.0 * 100
    }
}

/// What a checkout comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) subtotal: u64,
    pub(super) discount: u64,
    pub(super) tax: u64,
}

impl Amounts {
    /// Without taxes, after the discount.
    pub(super) fn net(self) -> u64 {
        self.subtotal.saturating_sub(self.discount)
    }

    /// What is paid.
    pub(super) fn total(self) -> u64 {
        self.net().saturating_add(self.tax)
    }
}

/// `amount * part / whole`, rounded to the nearest.
fn share(amount: u64, part: u64, whole: u64) -> u64 {
    let whole = u128::from(whole.max(1));
    let exact = u128::from(amount) * u128::from(part);
    u64::try_from((exact + whole / 2) / whole).unwrap_or(u64::MAX)
}

impl Checkout {
    /// What it comes to with this discount.
    pub(super) fn amounts(&self, discount: Discount) -> Amounts {
        let subtotal = self.product.pack.price;
        let discount = discount.of(subtotal);
        Amounts {
            subtotal,
            discount,
            tax: share(subtotal.saturating_sub(discount), self.tax_percent, 100),
        }
    }

    /// Where its buyer goes afterwards, if the seller has said so.
    pub(super) fn success_url(&self) -> Option<String> {
        let url = self.request.success_url.as_ref()?;
        let id = self.id.to_string();
        Some(
            url.replace("{CHECKOUT_ID}", &id)
                .replace("%7BCHECKOUT_ID%7D", &id),
        )
    }

    /// As Polar says it.
    pub(super) fn status(&self, now: OffsetDateTime) -> &'static str {
        match self.paid {
            Some(_) => "succeeded",
            None if now > self.expires_at => "expired",
            None => "open",
        }
    }
}

/// Something sold.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) id: Uuid,
    pub(super) number: usize,
    pub(super) created_at: OffsetDateTime,
    pub(super) modified_at: Option<OffsetDateTime>,
    pub(super) checkout_id: Uuid,
    pub(super) customer: Customer,
    pub(super) product: Product,
    pub(super) metadata: Map<String, Value>,
    pub(super) amounts: Amounts,
    pub(super) discount: Option<(Uuid, Discount)>,
    /// Over all refunds, without taxes.
    pub(super) refunded: u64,
    /// The taxes of that.
    pub(super) refunded_tax: u64,
    /// Nothing was paid for it, and even that was given back.
    pub(super) is_free_and_refunded: bool,
}

impl Order {
    /// As Polar says it.
    pub(super) fn status(&self) -> &'static str {
        match self.refunded {
            0 if self.is_free_and_refunded => "refunded",
            0 => "paid",
            some if some >= self.amounts.net() => "refunded",
            _ => "partially_refunded",
        }
    }

    /// What can still be given back, without taxes.
    pub(super) fn refundable(&self) -> u64 {
        self.amounts.net().saturating_sub(self.refunded)
    }

    /// The taxes of that.
    pub(super) fn refundable_tax(&self) -> u64 {
        self.amounts.tax.saturating_sub(self.refunded_tax)
    }

    fn matches(&self, query: &OrdersQuery) -> bool {
        fn wanted<T: PartialEq>(filter: &[T], is: impl Fn(&T) -> bool) -> bool {
            filter.is_empty() || filter.iter().any(is)
        }
        let external_id = self.customer.external_id.as_deref();
        wanted(&query.statuses, |status| status == self.status())
            && wanted(&query.products, |id| *id == self.product.id)
            && wanted(&query.customers, |id| *id == self.customer.id)
            && wanted(&query.checkouts, |id| *id == self.checkout_id)
            && wanted(&query.external_customers, |id| {
                Some(id.as_str()) == external_id
            })
            && query.after.is_none_or(|after| self.created_at > after)
            && query.before.is_none_or(|before| self.created_at < before)
    }
}

/// Money that was given back.
#[derive(Clone, Debug)]
pub(super) struct Refund {
    pub(super) id: Uuid,
    pub(super) amount: u64,
    pub(super) tax: u64,
    pub(super) created_at: OffsetDateTime,
    /// As it is now.
    pub(super) order: Order,
}

/// Why nothing was paid or given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no such checkout or order.
    Unknown,
    /// It was paid already.
    Paid,
    /// Nobody may pay it any more.
    Expired,
    /// Nobody knows who pays.
    NoEmail,
    /// All of it was given back already.
    Refunded,
    /// So much was never paid; what is left.
    TooMuch(u64),
}

/// All of it.
#[derive(Debug)]
pub(super) struct Shop {
    products: Vec<Product>,
    checkouts: HashMap<Uuid, Checkout>,
    customers: Vec<Customer>,
    /// Oldest first.
    orders: Vec<Order>,
    /// Token of a portal -> its customer.
    sessions: HashMap<String, Uuid>,
}

impl Shop {
    /// A shop that has sold nothing yet.
    pub(super) fn selling(products: Vec<Product>) -> Self {
        Self {
            products,
            checkouts: HashMap::new(),
            customers: Vec::new(),
            orders: Vec::new(),
            sessions: HashMap::new(),
        }
    }

    /// Makes an offer; none if one of the products is not sold here.
    pub(super) fn check_out(
        &mut self,
        request: CheckoutCreate,
        products: &[Uuid],
        tax_percent: u64,
        now: OffsetDateTime,
    ) -> Option<&Checkout> {
        let find = |id: &Uuid| self.products.iter().find(|it| it.id == *id).cloned();
        let products: Vec<_> = products.iter().map(find).collect::<Option<_>>()?;
        let id = Uuid::new_v4();
        let checkout = Checkout {
            id,
            client_secret: format!("polar_c_{}", Uuid::new_v4().simple()),
            request,
            product: products.first()?.clone(),
            products,
            tax_percent,
            created_at: now,
            expires_at: now.saturating_add(CHECKOUT_LIFETIME),
            paid: None,
        };
        Some(self.checkouts.entry(id).or_insert(checkout))
    }

    /// A checkout by its id.
    pub(super) fn checkout(&self, id: Uuid) -> Option<&Checkout> {
        self.checkouts.get(&id)
    }

    /// Pays a checkout, as the one whose e-mail this is, unless the seller has said who it is.
    pub(super) fn pay(
        &mut self,
        id: Uuid,
        email: Option<String>,
        discount: Discount,
        now: OffsetDateTime,
    ) -> Result<Order, Refused> {
        let checkout = self.checkouts.get_mut(&id).ok_or(Refused::Unknown)?;
        match checkout.status(now) {
            "succeeded" => return Err(Refused::Paid),
            "expired" => return Err(Refused::Expired),
            _ => {}
        }
        let email = checkout.request.customer_email.clone().or(email);
        let customer = Customer {
            id: Uuid::new_v4(),
            external_id: checkout.request.external_customer_id.clone(),
            email: email.ok_or(Refused::NoEmail)?,
            name: checkout.request.customer_name.clone(),
            created_at: now,
        };
        let customer = known_or_new(&mut self.customers, customer);
        let order = Order {
            id: Uuid::new_v4(),
            number: self.orders.len() + 1,
            created_at: now,
            modified_at: None,
            checkout_id: id,
            customer: customer.clone(),
            product: checkout.product.clone(),
            metadata: checkout.request.metadata.clone(),
            amounts: checkout.amounts(discount),
            discount: (discount.0 > 0).then(|| (Uuid::new_v4(), discount)),
            refunded: 0,
            refunded_tax: 0,
            is_free_and_refunded: false,
        };
        checkout.paid = Some((customer, order.id));
        self.orders.push(order.clone());
        Ok(order)
    }

    /// Gives back so much of an order, without taxes, or all that is left.
    pub(super) fn refund(
        &mut self,
        id: Uuid,
        amount: Option<u64>,
        now: OffsetDateTime,
    ) -> Result<Refund, Refused> {
        let order = self.orders.iter_mut().find(|order| order.id == id);
        let order = order.ok_or(Refused::Unknown)?;
        if order.status() == "refunded" {
            return Err(Refused::Refunded);
        }
        let left = order.refundable();
        let amount = amount.unwrap_or(left);
        if amount > left {
            return Err(Refused::TooMuch(left));
        }
        let tax = if amount == left {
            order.refundable_tax()
        } else {
            share(amount, order.amounts.tax, order.amounts.net())
        };
        order.refunded += amount;
        order.refunded_tax += tax;
        order.is_free_and_refunded = order.amounts.net() == 0;
        order.modified_at = Some(now);
        Ok(Refund {
            id: Uuid::new_v4(),
            amount,
            tax,
            created_at: now,
            order: order.clone(),
        })
    }

    /// An order by its id.
    pub(super) fn order(&self, id: Uuid) -> Option<&Order> {
        self.orders.iter().find(|order| order.id == id)
    }

    /// The orders of a page, and how many there are on all pages.
    pub(super) fn orders(&self, query: &OrdersQuery) -> (Vec<&Order>, usize) {
        let mut found: Vec<_> = self.orders.iter().filter(|it| it.matches(query)).collect();
        let count = found.len();
        if !query.oldest_first {
            found.reverse();
        }
        let page = found.into_iter().skip(query.skip()).take(query.limit());
        (page.collect(), count)
    }

    /// A customer who fits.
    pub(super) fn customer(&self, is: impl Fn(&Customer) -> bool) -> Option<&Customer> {
        self.customers.iter().find(|customer| is(customer))
    }

    /// The token with which a customer sees their orders.
    pub(super) fn open_session(&mut self, customer: Uuid) -> String {
        let token = format!("polar_cst_{}", Uuid::new_v4().simple());
        self.sessions.insert(token.clone(), customer);
        token
    }

    /// Whose token this is, and what they have bought, newest first.
    pub(super) fn session(&self, token: &str) -> Option<(&Customer, Vec<&Order>)> {
        let id = *self.sessions.get(token)?;
        let orders = self.orders.iter().rev().filter(|it| it.customer.id == id);
        Some((self.customer(|it| it.id == id)?, orders.collect()))
    }
}

/// One customer for each id that the seller gave, else for each e-mail.
fn known_or_new(customers: &mut Vec<Customer>, new: Customer) -> Customer {
    let same = |known: &&Customer| match (&known.external_id, &new.external_id) {
        (None, None) => known.email == new.email,
        (one, other) => one == other,
    };
    if let Some(known) = customers.iter().find(same) {
        return known.clone();
    }
    customers.push(new.clone());
    new
}

#[cfg(test)]
mod tests {
    use domain::Credits;
    use serde_json::json;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn shop() -> (Shop, Uuid) {
        let product = Product {
            id: Uuid::new_v4(),
            price_id: Uuid::new_v4(),
            pack: Pack {
                product_id: String::new(),
                name: "50 credits".to_owned(),
                credits: Credits::small(50),
                price: 499,
                currency: "usd".to_owned(),
            },
        };
        let id = product.id;
        (Shop::selling(vec![product]), id)
    }

    fn offer(shop: &mut Shop, product: Uuid, external_id: Option<&str>) -> Uuid {
        let request = serde_json::from_value(json!({
            "products": [product],
            "external_customer_id": external_id,
            "metadata": { "user_id": "u" },
        }));
        let checkout = shop.check_out(request.unwrap(), &[product], 10, NOW);
        checkout.unwrap().id
    }

    fn buy(shop: &mut Shop, product: Uuid, discount: Discount) -> Order {
        let id = offer(shop, product, Some("u"));
        let email = Some("anna@example.com".to_owned());
        shop.pay(id, email, discount, NOW).unwrap()
    }

    #[test]
    fn a_checkout_is_paid_once_and_in_time() {
        let (mut shop, product) = shop();
        let pay = |shop: &mut Shop, id, email: Option<&str>, now| {
            let paid = shop.pay(id, email.map(str::to_owned), Discount::default(), now);
            paid.map(|order| (order.amounts.net(), order.amounts.total()))
        };
        let id = offer(&mut shop, product, None);
        let late = NOW + CHECKOUT_LIFETIME + Duration::SECOND;
        assert_eq!(pay(&mut shop, id, None, NOW), Err(Refused::NoEmail));
        assert_eq!(
            pay(&mut shop, id, Some("a@b.c"), late),
            Err(Refused::Expired)
        );
        assert_eq!(pay(&mut shop, id, Some("a@b.c"), NOW), Ok((499, 549)));
        assert_eq!(pay(&mut shop, id, Some("a@b.c"), NOW), Err(Refused::Paid));
        let unknown = Uuid::new_v4();
        assert_eq!(pay(&mut shop, unknown, None, NOW), Err(Refused::Unknown));
    }

    #[test]
    fn refunds_add_up_to_what_was_paid_and_no_further() {
        let (mut shop, product) = shop();
        let order = buy(&mut shop, product, Discount::default());
        let half = shop.refund(order.id, Some(250), NOW).unwrap();
        assert_eq!((half.tax, half.order.status()), (25, "partially_refunded"));
        let refused = shop.refund(order.id, Some(250), NOW).unwrap_err();
        assert_eq!(refused, Refused::TooMuch(249));
        let rest = shop.refund(order.id, None, NOW).unwrap();
        assert_eq!((rest.amount, rest.tax), (249, 25));
        assert_eq!(
            (rest.order.refunded, rest.order.status()),
            (499, "refunded")
        );
        let refused = shop.refund(order.id, None, NOW).unwrap_err();
        assert_eq!(refused, Refused::Refunded);
    }

    #[test]
    fn what_was_free_is_refunded_whole() {
        let (mut shop, product) = shop();
        let order = buy(&mut shop, product, Discount::percent(100).unwrap());
        assert_eq!((order.amounts.total(), order.status()), (0, "paid"));
        let refund = shop.refund(order.id, None, NOW).unwrap();
        assert_eq!((refund.amount, refund.order.status()), (0, "refunded"));
    }

    #[test]
    fn a_customer_is_known_by_the_sellers_id() {
        let (mut shop, product) = shop();
        let first = buy(&mut shop, product, Discount::default());
        let second = buy(&mut shop, product, Discount::default());
        assert_eq!(first.customer.id, second.customer.id);
        let id = offer(&mut shop, product, Some("another"));
        let email = Some("anna@example.com".to_owned());
        let third = shop.pay(id, email, Discount::default(), NOW).unwrap();
        assert_ne!(first.customer.id, third.customer.id);
        let token = shop.open_session(first.customer.id);
        let (_, orders) = shop.session(&token).unwrap();
        assert_eq!(orders.len(), 2);
    }
}
