//! The batches table's stream: a new batch becomes one message per image.

mod handler;

use aws::{Queue, Tables};
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
        edits: Queue::new(&settings, env.required("EDIT_QUEUE_URL")?),
    };
    edge::task::run(|event| handler.handle(event)).await
}
