//! `POST /api/polar/webhooks`

mod handler;

use aws::{Queue, Secret};
use edge::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    edge::telemetry();
    let env = Env::new();
    let settings = env.aws()?;
    let handler = handler::Handler {
        secrets: Secret::new(&settings, env.required("POLAR_WEBHOOK_SECRET_ARN")?),
        credits: Queue::new(&settings, env.required("CREDIT_QUEUE_URL")?),
    };
    edge::http::run(|call| handler.handle(call)).await
}
