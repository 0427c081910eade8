//! The streams of both tables: what users want to know becomes notices.

mod handler;

use aws::{Queue, Tables};
use domain::Credits;
use edge::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    edge::telemetry();
    let env = Env::new();
    let settings = env.aws()?;
    let handler = handler::Handler {
        tables: Tables::new(
            &settings,
            env.required("CREDITS_TABLE")?,
            env.required("BATCHES_TABLE")?,
        ),
        mail: Queue::new(&settings, env.required("NOTICE_QUEUE_URL")?),
        webhooks: Queue::new(&settings, env.required("WEBHOOK_QUEUE_URL")?),
        low_balance: Credits::small(env.required_as("LOW_BALANCE_CREDITS")?),
    };
    edge::task::run(|event| handler.handle(event)).await
}
