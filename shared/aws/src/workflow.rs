//! Step Functions: one execution per image, named after it, so that there is never a second one.

use std::time::Duration;

use aws_sdk_sfn::{
    error::{ProvideErrorMetadata, SdkError},
    types::ExecutionStatus,
};
use domain::{Execution, ImageRef};
use serde::Serialize;

use crate::{AwsError, Settings, backoff::Backoff, settings::client};

/// How long a start that is throttled is tried: it waits here, because each time that its message comes again is one of
/// the few that it has.
const BUDGET: Duration = Duration::from_secs(20);
/// What Step Functions says when there are too many starts.
const THROTTLED: [&str; 3] = [
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
];

/// The state machine that edits one image.
#[derive(Clone, Debug)]
pub struct Workflow {
    client: aws_sdk_sfn::Client,
    state_machine_arn: String,
}

impl Workflow {
    /// The state machine of this ARN.
    #[must_use]
    pub fn new(settings: &Settings, state_machine_arn: String) -> Self {
        Self {
            client: client!(settings, aws_sdk_sfn),
            state_machine_arn,
        }
    }

    /// Starts an image's execution. One that exists already counts as started, whatever its input was.
    pub async fn start<T: Serialize + Sync>(
        &self,
        image: ImageRef,
        input: &T,
    ) -> Result<(), AwsError> {
        let input = serde_json::to_string(input)
            .map_err(AwsError::unreadable("the input of an execution"))?;
        let start = self
            .client
            .start_execution()
            .state_machine_arn(&self.state_machine_arn)
            .name(image.execution_name())
            .input(input);
        let mut backoff = Backoff::within(BUDGET);
        loop {
            let error = match start.clone().send().await {
                Ok(_) => return Ok(()),
                Err(SdkError::ServiceError(e)) if e.err().is_execution_already_exists() => {
                    return Ok(());
                }
                Err(error) => error,
            };
            let throttled = error.code().is_some_and(|code| THROTTLED.contains(&code));
            if !throttled || !backoff.wait().await {
                return Err(AwsError::call("states:StartExecution")(error));
            }
        }
    }

    /// What became of an image's execution.
    pub async fn execution(&self, image: ImageRef) -> Result<Execution, AwsError> {
        let arn = format!(
            "{}:{}",
            self.state_machine_arn
                .replacen(":stateMachine:", ":execution:", 1),
            image.execution_name()
        );
        match self
            .client
            .describe_execution()
            .execution_arn(arn)
            .send()
            .await
        {
            Ok(found) if *found.status() == ExecutionStatus::Running => Ok(Execution::Running),
            Ok(_) => Ok(Execution::Ended),
            Err(SdkError::ServiceError(e)) if e.err().is_execution_does_not_exist() => {
                Ok(Execution::None)
            }
            Err(error) => Err(AwsError::call("states:DescribeExecution")(error)),
        }
    }
}
