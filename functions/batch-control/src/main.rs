//! `POST /api/batch/{id}/cancel` and `POST /api/batch/{id}/retry`

mod handler;

use aws::{Intake, Photos, Settler, Tables};
use domain::Room;
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
    let room = Room::new(pace, &env.parsed("LIMITS")?.unwrap_or_default());
    let prices = env.parsed("PRICES")?.unwrap_or_default();
    let times = env.required_as("TIME_LIMITS")?;
    let handler = handler::Handler {
        settler: Settler::new(tables.clone(), photos, pace),
        intake: Intake::new(tables.clone(), room, prices, times),
        tables,
    };
    edge::http::run(|call| handler.handle(call)).await
}
