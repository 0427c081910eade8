//! `POST /api/images/generate`

mod handler;

use aws::{Intake, Secret, Tables, Welcome};
use domain::{Credits, Limits, Room};
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
    let prices = env.parsed("PRICES")?.unwrap_or_default();
    let limits: Limits = env.parsed("LIMITS")?.unwrap_or_default();
    let room = Room::new(env.required_as("PROVIDER_IMAGES_PER_MINUTE")?, &limits);
    let handler = handler::Handler {
        welcome: Welcome::new(tables.clone(), secret, welcome),
        intake: Intake::new(tables, room, prices, env.required_as("TIME_LIMITS")?),
        limits,
    };
    edge::http::run(|call| handler.handle(call)).await
}
