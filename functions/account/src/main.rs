//! `GET` and `DELETE /api/account`, `GET` and `PUT /api/account/settings`

mod handler;

use aws::{Queue, Secret, Tables, Welcome};
use domain::{Credits, PriceTable};
use edge::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    edge::telemetry();
    let env = Env::new();
    let settings = env.aws()?;
    let tables = Tables::new(
        &settings,
        env.required("CREDITS_TABLE")?,
        env.required("BATCHES_TABLE")?,
    );
    let secret = Secret::new(&settings, env.required("EMAIL_FINGERPRINT_SECRET_ARN")?);
    let welcome = Credits::small(env.parsed("WELCOME_CREDITS")?.unwrap_or(10));
    let handler = handler::Handler {
        welcome: Welcome::new(tables.clone(), secret, welcome),
        tables,
        deletions: Queue::new(&settings, env.required("DELETION_QUEUE_URL")?),
        limits: env.parsed("LIMITS")?.unwrap_or_default(),
        prices: env.parsed::<PriceTable>("PRICES")?.unwrap_or_default(),
        targets: env.required_as("WEBHOOK_TARGETS")?,
    };
    edge::http::run(|call| handler.handle(call)).await
}
