//! On a schedule: orders whose webhooks were lost.

mod handler;

use aws::{Queue, Secret, Tables};
use edge::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    edge::telemetry();
    let env = Env::new();
    let settings = env.aws()?;
    let credits_table = env.required("CREDITS_TABLE")?;
    let handler = handler::Handler {
        tables: Tables::new(&settings, credits_table, env.required("BATCHES_TABLE")?),
        credits: Queue::new(&settings, env.required("CREDIT_QUEUE_URL")?),
        packs: env.parsed("PACKS")?.unwrap_or_default(),
        polar: polar::Client::new(&env.required("POLAR_BASE_URL")?)?,
        token: Secret::new(&settings, env.required("POLAR_TOKEN_SECRET_ARN")?),
    };
    edge::task::run(|tick| handler.handle(tick)).await
}
