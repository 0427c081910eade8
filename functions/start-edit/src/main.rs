//! The edit queue: every message starts its image's workflow.

mod handler;

use aws::Workflow;
use edge::Env;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), edge::Error> {
    edge::telemetry();
    let env = Env::new();
    let handler = handler::Handler {
        workflow: Workflow::new(&env.aws()?, env.required("WORKFLOW_ARN")?),
    };
    edge::task::run(|event| handler.handle(event)).await
}
