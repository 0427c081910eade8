//! Workflow tasks and other plain invocations: one event in, one value out.

use std::{error::Error, fmt, future::Future};

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};

/// A failed task. The workflow sees `code` as the error's name: the default would be the path of a Rust type, which no
/// `Retry` or `Catch` can match.
#[derive(Debug)]
pub struct TaskError {
    code: &'static str,
    detail: String,
}

impl TaskError {
    /// An error of this name. The runtime logs `detail`, so it names what it is about.
    #[must_use]
    pub fn new(code: &'static str, detail: impl fmt::Display) -> Self {
        Self {
            code,
            detail: detail.to_string(),
        }
    }

    /// AWS did not do its part; trying the task again may well succeed.
    pub fn aws(about: impl fmt::Display) -> impl FnOnce(aws::AwsError) -> Self {
        Self::because("aws_call_failed", about)
    }

    /// An error of this name for any other, with all its causes.
    pub fn because<E: Error + 'static>(
        code: &'static str,
        about: impl fmt::Display,
    ) -> impl FnOnce(E) -> Self {
        move |error| Self::new(code, format_args!("{about}: {}", Chain(&error)))
    }
}

impl From<TaskError> for Diagnostic {
    fn from(TaskError { code, detail }: TaskError) -> Self {
        Self {
            error_type: code.to_owned(),
            error_message: detail,
        }
    }
}

/// An error with all its causes, on one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'a));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

/// Serves events of one type until the environment is shut down.
pub async fn run<I, O, H, F>(handle: H) -> Result<(), lambda_runtime::Error>
where
    I: DeserializeOwned,
    O: Serialize,
    H: Fn(I) -> F,
    F: Future<Output = Result<O, TaskError>>,
{
    lambda_runtime::run(service_fn(|event: LambdaEvent<I>| handle(event.payload))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workflow_sees_the_code() {
        let diagnostic = Diagnostic::from(TaskError::new("lease_held", "image 3"));
        assert_eq!(diagnostic.error_type, "lease_held");
        assert_eq!(diagnostic.error_message, "image 3");
    }
}
