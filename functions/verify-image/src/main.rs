//! The workflow's first step: is this a photo that can be edited, and what of it goes to the provider?

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
    edge::task::run(|work| handler.handle(work)).await
}
