//! `GET /api/batches`

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
    };
    edge::http::run(|call| handler.handle(call)).await
}
