//! `POST /api/files/presign`

mod handler;

use aws::Photos;
use edge::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    edge::telemetry();
    let env = Env::new();
    let handler = handler::Handler {
        photos: Photos::new(&env.aws()?, env.required("PHOTOS_BUCKET")?),
        limits: env.parsed("LIMITS")?.unwrap_or_default(),
    };
    edge::http::run(|call| handler.handle(call)).await
}
