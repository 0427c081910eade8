//! The workflow's second step: one call to the provider, and its picture saved.

mod handler;

use std::time::Duration;

use aws::{Photos, Secret, Tables};
use domain::{pace::Rules, timing::TimeLimits};
use edge::Env;
use provider::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    edge::telemetry();
    let env = Env::new();
    let settings = env.aws()?;
    let times: TimeLimits = env.required_as("TIME_LIMITS")?;
    let provider = provider::Config::new(
        env.required("PROVIDER_BASE_URL")?,
        env.required("PROVIDER_MODEL")?,
        times.provider,
    );
    let handler = handler::Handler {
        tables: Tables::new(
            &settings,
            env.required("CREDITS_TABLE")?,
            env.required("BATCHES_TABLE")?,
        ),
        photos: Photos::new(&settings, env.required("PHOTOS_BUCKET")?),
        provider: Client::new(&provider)?,
        provider_key: Secret::new(&settings, env.required("PROVIDER_SECRET_ARN")?),
        rules: Rules {
            pace: env.required_as("PROVIDER_IMAGES_PER_MINUTE")?,
            probe_every: Duration::from_secs(env.required_as("PROVIDER_PROBE_SECONDS")?),
        },
        times,
        input_form: env.required_as("PROVIDER_INPUT_FORM")?,
    };
    edge::task::run(|task| handler.handle(task)).await
}
