//! A user who does everything at once and repeats whatever got no answer, as a good client does.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail};
use api::{BatchStatus, Checkout, SubmitResponse, Upload};
use domain::{ImageRef, Work};
use reqwest::{Method, Url, header::HOST};
use serde_json::{Value, json};
use stack_tests::{Answer, Stack, User, unique};
use tokio::time::{Instant, sleep};

use crate::{
    shop::{PRODUCT, Purchase, Seller},
    tally::Tally,
};

/// How long a client repeats a request that gets no proper answer: longer than any burst of faults.
const PATIENCE: Duration = Duration::from_mins(3);
/// Between two tries, and between two things that a user does.
const PAUSE: Duration = Duration::from_millis(300);

/// What the provider does to every second image: all that its stand-in knows.
const MOODS: [&str; 23] = [
    "[[fault:rate_limit:1]]",
    "[[fault:slow_down:1]]",
    "[[fault:out_of_money:1]]",
    "[[fault:credit_balance_exhausted:1]]",
    "[[fault:spend_limit:1]]",
    "[[fault:moderation]]",
    "[[fault:bad_image]]",
    "[[fault:bad_key:1]]",
    "[[fault:not_verified:1]]",
    "[[fault:overload:2]]",
    "[[fault:server_error:1]]",
    "[[fault:bad_gateway:1]]",
    "[[fault:gateway_timeout:1]]",
    "[[fault:gateway_timeout]]",
    "[[fault:slow:2]]",
    // Longer than the function waits here.
    "[[fault:slow:8:1]]",
    "[[fault:cut:1]]",
    "[[fault:cut_answer:1]]",
    "[[fault:garbage:1]]",
    "[[fault:garbage]]",
    "[[fault:empty_data:1]]",
    "[[fault:truncated_image:1]]",
    "[[fault:wrong_format:1]]",
];

/// Somebody with an account, credits, and wishes.
pub(crate) struct Customer {
    pub(crate) user: User,
    http: reqwest::Client,
    engine: String,
    seller: Seller,
    rng: fastrand::Rng,
    tally: Arc<Tally>,
    batches: Vec<String>,
    purchases: Vec<Purchase>,
}

impl Customer {
    pub(crate) async fn new(
        stack: &Stack,
        mut rng: fastrand::Rng,
        tally: Arc<Tally>,
    ) -> Result<Self> {
        let user = User::new(stack).await;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let seller = Seller::new(stack, &http);
        // Some are never told of by webhook: for them there is only the reconciliation.
        let settings = json!({
            "webhooks": rng.u32(0..4) > 0,
            "duplicates": rng.u32(0..3),
            "delayMs": rng.u32(0..3000),
        });
        seller.set(user.id(), &settings).await?;
        Ok(Self {
            user,
            http,
            engine: stack.aws_endpoint.clone(),
            seller,
            rng,
            tally,
            batches: Vec::new(),
            purchases: Vec::new(),
        })
    }

    /// Does one thing after the other until then.
    pub(crate) async fn work(&mut self, until: Instant) -> Result<()> {
        self.insist("account", Method::GET, "/api/account", None)
            .await?;
        while Instant::now() < until {
            match self.rng.u32(0..12) {
                0..6 => self.submit().await?,
                6 => self.on_some_batch("cancel").await?,
                7 => self.on_some_batch("retry").await?,
                8 => self.buy().await?,
                9 => self.give_back().await?,
                _ => self.look().await?,
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn submit(&mut self) -> Result<()> {
        let mut images = Vec::new();
        for _ in 0..self.rng.usize(1..=6) {
            let mood = if self.rng.bool() {
                ""
            } else {
                self.rng.choice(MOODS).unwrap_or_default()
            };
            // The text by which the provider's calls for this image are known.
            let prompt = unique(&format!("sepia {mood}"));
            images.push(json!({ "key": self.photo().await?, "prompt": prompt }));
        }
        let body = json!({ "images": images });
        let key = unique("key");
        let answer = self
            .insist(
                "submit",
                Method::POST,
                "/api/images/generate",
                Some((&key, &body)),
            )
            .await?;
        match answer.status {
            202 => {
                let accepted: SubmitResponse = answer.expect(202);
                if self.rng.bool() {
                    // What a double click does.
                    let again = self
                        .insist(
                            "submit again",
                            Method::POST,
                            "/api/images/generate",
                            Some((&key, &body)),
                        )
                        .await?;
                    let again: SubmitResponse = again.expect(202);
                    if (again.batch_id, again.credits)
                        != (accepted.batch_id.clone(), accepted.credits)
                    {
                        bail!("a repeated submit got another answer");
                    }
                }
                self.know(&accepted.batch_id, &images)?;
            }
            402 => {}
            other => bail!("submit: {other} {}", String::from_utf8_lossy(&answer.body)),
        }
        Ok(())
    }

    async fn buy(&mut self) -> Result<()> {
        let body = json!({ "productId": PRODUCT });
        let answer = self
            .insist(
                "checkout",
                Method::POST,
                "/api/billing/checkout",
                Some(("", &body)),
            )
            .await?;
        let checkout: Checkout = answer.expect(201);
        let discount = if self.rng.u32(0..8) == 0 { 100 } else { 0 };
        let purchase = self.seller.pay(&checkout.checkout_id, discount).await?;
        self.tally.count("bought");
        self.purchases.push(purchase);
        Ok(())
    }

    /// Asks for money back, for all of an order or for a part.
    async fn give_back(&mut self) -> Result<()> {
        let Some(purchase) = self.rng.choice(&mut self.purchases) else {
            return Ok(());
        };
        let left = purchase.left();
        if left == 0 {
            return Ok(());
        }
        let amount = if self.rng.bool() {
            left
        } else {
            self.rng.u64(1..=left)
        };
        *purchase = self.seller.refund(purchase, amount).await?;
        self.tally.count("given back");
        Ok(())
    }

    /// What all purchases together are worth now.
    pub(crate) fn bought(&self) -> u64 {
        self.purchases.iter().map(Purchase::credits).sum()
    }

    /// Remembers a batch, and lets the injector know of its images.
    fn know(&mut self, batch: &str, images: &[Value]) -> Result<()> {
        let mut works = Vec::new();
        for (index, image) in (0..).zip(images) {
            works.push(Work {
                image: ImageRef {
                    batch_id: batch.parse()?,
                    index,
                },
                key: image["key"].as_str().unwrap_or_default().parse()?,
                prompt: image["prompt"].as_str().map(str::to_owned),
            });
        }
        self.tally.accepted(works);
        self.batches.push(batch.to_owned());
        Ok(())
    }

    async fn on_some_batch(&mut self, verb: &str) -> Result<()> {
        let Some(batch) = self.rng.choice(&self.batches).cloned() else {
            return Ok(());
        };
        let path = format!("/api/batch/{batch}/{verb}");
        let answer = self.insist(verb, Method::POST, &path, None).await?;
        // Over already, not over yet, nothing to retry, no credits.
        if !matches!(answer.status, 200 | 202 | 402 | 409) {
            bail!(
                "{verb}: {} {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
        }
        Ok(())
    }

    async fn look(&mut self) -> Result<()> {
        let Some(batch) = self.rng.choice(&self.batches).cloned() else {
            return Ok(());
        };
        let path = format!("/api/batch/{batch}/status");
        let answer = self.insist("status", Method::GET, &path, None).await?;
        let status: BatchStatus = answer.expect(200);
        let counts = &status.counts;
        let sum =
            counts.pending + counts.processing + counts.completed + counts.failed + counts.canceled;
        if sum != counts.total {
            bail!("the counts of batch {batch} do not sum up: {status:?}");
        }
        Ok(())
    }

    /// Uploads a photo; its key.
    async fn photo(&self) -> Result<String> {
        let photo = stack_tests::photo(48, 32);
        let file = json!({ "name": "a photo", "contentType": "image/png", "size": photo.len() });
        let body = json!({ "files": [file] });
        let answer = self
            .insist(
                "presign",
                Method::POST,
                "/api/files/presign",
                Some(("", &body)),
            )
            .await?;
        let mut links: api::PresignResponse = answer.expect(200);
        let Some(link) = links.uploads.pop() else {
            bail!("there is no upload link");
        };
        let give_up = Instant::now() + PATIENCE;
        // 412: an earlier try arrived, and only its answer was lost.
        while !matches!(self.put(&link, photo.clone()).await, Some(200 | 412)) {
            self.tally.count("upload repeated");
            if Instant::now() > give_up {
                bail!("the upload never succeeded");
            }
            sleep(PAUSE).await;
        }
        Ok(link.key)
    }

    /// Straight to the engine, for the host that was signed: the proxy would say another one.
    async fn put(&self, link: &Upload, bytes: Vec<u8>) -> Option<u16> {
        let signed = Url::parse(&link.url).ok()?;
        let host = format!("{}:{}", signed.host_str()?, signed.port()?);
        let direct = link
            .url
            .replacen(&format!("http://{host}"), &self.engine, 1);
        let mut request = self.http.put(direct).header(HOST, host).body(bytes);
        for (name, value) in &link.headers {
            request = request.header(name, value);
        }
        Some(request.send().await.ok()?.status().as_u16())
    }

    /// Repeats a request until the answer is the service's own and not that of a fault on the way.
    pub(crate) async fn insist(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<Answer> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let mut request = self.user.request(method.clone(), path);
            if let Some((key, body)) = body {
                request = request.header("idempotency-key", key).json(body);
            }
            let answer = self.user.send(request).await;
            self.tally.count(&format!("{what} {}", answer.status));
            if answer.status < 500 && answer.status != 429 {
                return Ok(answer);
            }
            if Instant::now() > give_up {
                bail!("{what} got no proper answer: {}", answer.status);
            }
            sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_misbehaves_in_every_way_that_its_stand_in_knows() {
        for name in stand_ins::openai::fault_names() {
            let marker = format!("[[fault:{name}");
            let struck = |mood: &&str| {
                let rest = mood.strip_prefix(&marker);
                rest.is_some_and(|rest| rest.starts_with([':', ']']))
            };
            assert!(MOODS.iter().any(struck), "{name}");
        }
    }
}
