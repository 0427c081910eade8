//! The rescue queue: messages that could not be started, executions that ended badly.

mod handler;

use aws::{Photos, Settler, Tables, Workflow};
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
        settler: Settler::new(tables.clone(), photos, pace),
        tables,
        workflow: Workflow::new(&settings, env.required("WORKFLOW_ARN")?),
    };
    edge::task::run(|event| handler.handle(event)).await
}
