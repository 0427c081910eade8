//! The credit queue: what Polar tells of orders becomes credits.

mod handler;

use aws::Tables;
use edge::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    edge::telemetry();
    let env = Env::new();
    let handler = handler::Handler {
        tables: Tables::new(
            &env.aws()?,
            env.required("CREDITS_TABLE")?,
            env.required("BATCHES_TABLE")?,
        ),
        packs: env.parsed("PACKS")?.unwrap_or_default(),
    };
    edge::task::run(|event| handler.handle(event)).await
}
