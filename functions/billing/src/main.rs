//! `/api/billing/*`: packs, balance, transactions, checkout and portal

mod handler;

use aws::{Secret, Tables, Welcome};
use domain::Credits;
use edge::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    edge::telemetry();
    let env = Env::new();
    let settings = env.aws()?;
    let credits_table = env.required("CREDITS_TABLE")?;
    let tables = Tables::new(&settings, credits_table, env.required("BATCHES_TABLE")?);
    let fingerprints = Secret::new(&settings, env.required("EMAIL_FINGERPRINT_SECRET_ARN")?);
    let welcome = Credits::small(env.parsed("WELCOME_CREDITS")?.unwrap_or(10));
    let handler = handler::Handler {
        welcome: Welcome::new(tables.clone(), fingerprints, welcome),
        tables,
        packs: env.parsed("PACKS")?.unwrap_or_default(),
        polar: polar::Client::new(&env.required("POLAR_BASE_URL")?)?,
        token: Secret::new(&settings, env.required("POLAR_TOKEN_SECRET_ARN")?),
        credits_page: format!("{}/credits", env.required("WEB_ORIGIN")?),
    };
    edge::http::run(|call| handler.handle(call)).await
}
