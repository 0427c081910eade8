//! `GET /api/account` and `DELETE /api/account`

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
        deletions: Queue::new(&settings, env.required("DELETION_QUEUE_URL")?),
        welcome: Welcome::new(tables.clone(), secret, welcome),
        tables,
        limits: env.parsed("LIMITS")?.unwrap_or_default(),
        prices: env.parsed::<PriceTable>("PRICES")?.unwrap_or_default(),
    };
    edge::http::run(|call| handler.handle(call)).await
}
