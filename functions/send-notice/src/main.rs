//! The notice queue and the webhook queue: every message is a mail, or a call of a user's webhook.

mod handler;
mod mail;
mod webhook;

use aws::{Queue, Secret, Tables};
use edge::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    edge::telemetry();
    let env = Env::new();
    let settings = env.aws()?;
    let credits_table = env.required("CREDITS_TABLE")?;
    let targets = env.required_as("WEBHOOK_TARGETS")?;
    let handler = handler::Handler {
        tables: Tables::new(&settings, credits_table, env.required("BATCHES_TABLE")?),
        mail_queue: Queue::new(&settings, env.required("NOTICE_QUEUE_URL")?),
        webhook_queue: Queue::new(&settings, env.required("WEBHOOK_QUEUE_URL")?),
        resend: resend::Client::new(&env.required("RESEND_BASE_URL")?)?,
        resend_key: Secret::new(&settings, env.required("RESEND_KEY_SECRET_ARN")?),
        from: env.optional("MAIL_FROM"),
        origin: env.required("WEB_ORIGIN")?,
        webhooks: outbound::Client::new(targets)?,
        targets,
    };
    edge::task::run(|event| handler.handle(event)).await
}
