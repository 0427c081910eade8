//! The deletion queue: users who want to be forgotten.

mod handler;

use aws::{Photos, Settler, Tables, UserPool};
use edge::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    edge::telemetry();
    let env = Env::new();
    let settings = env.aws()?;
    let tables = Tables::new(
        &settings,
        env.required("CREDITS_TABLE")?,
        env.required("BATCHES_TABLE")?,
    );
    let photos = Photos::new(&settings, env.required("PHOTOS_BUCKET")?);
    let pace = env.required_as("PROVIDER_IMAGES_PER_MINUTE")?;
    let handler = handler::Handler {
        settler: Settler::new(tables.clone(), photos.clone(), pace),
        tables,
        photos,
        users: UserPool::new(&settings, env.required("USER_POOL_ID")?),
    };
    edge::task::run(|event| handler.handle(event)).await
}
