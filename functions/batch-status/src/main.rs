//! `GET /api/batch/{id}/status`

mod handler;

use aws::{Photos, Tables};
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
        photos: Photos::new(&settings, env.required("PHOTOS_BUCKET")?),
    };
    edge::http::run(|call| handler.handle(call)).await
}
