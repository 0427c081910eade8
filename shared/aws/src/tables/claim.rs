//! Claims: the one right to call the provider for an image, given by one conditional write.

use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::{ClaimRefused, Image, ImageRef, ImageState, MAX_UNKNOWN_OUTCOMES, Timestamp};
use uuid::Uuid;

use super::{Tables, from_item, n, records::image_key, s, update};
use crate::AwsError;

/// A claim that was given. Whoever holds it may call the provider once.
#[derive(Clone, Debug)]
pub struct Ticket {
    image: ImageRef,
    lease_id: String,
    /// Calls to the provider for this image, the one that this claim allows included.
    pub provider_calls: u32,
    /// Those before it for which the provider could not fetch the photo.
    pub failed_fetches: u32,
}

/// Why a claim was not given.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The image's record does not allow it.
    #[error(transparent)]
    Refused(ClaimRefused),
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] AwsError),
}

impl Tables {
    /// Claims an image until `until` and counts the call that is about to be made (R5), in one conditional write.
    ///
    /// The condition is [`Image::may_claim`].
    pub async fn claim(
        &self,
        image: ImageRef,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Ticket, ClaimError> {
        let lease_id = Uuid::new_v4().to_string();
        // A condition can fail on a record that would allow the claim a moment later; one more try settles that.
        for _ in 0..2 {
            let claim = self
                .client
                .update_item()
                .table_name(&self.batches)
                .set_key(Some(image_key(image)))
                .update_expression(
                    "SET #state = :processing, lease_id = :lease_id, lease_until = :until, \
                     started_at = if_not_exists(started_at, :now), \
                     provider_calls = if_not_exists(provider_calls, :zero) + :one, \
                     unknown_outcomes = if_not_exists(unknown_outcomes, :zero) + :one",
                )
                .condition_expression(
                    "(attribute_not_exists(#state) OR #state IN (:pending, :processing)) \
                     AND (attribute_not_exists(lease_until) OR lease_until <= :now) \
                     AND (attribute_not_exists(unknown_outcomes) OR unknown_outcomes < :most)",
                )
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":pending", s(ImageState::Pending.name()))
                .expression_attribute_values(":processing", s(ImageState::Processing.name()))
                .expression_attribute_values(":lease_id", s(&lease_id))
                .expression_attribute_values(":until", s(until))
                .expression_attribute_values(":now", s(now))
                .expression_attribute_values(":zero", n(0))
                .expression_attribute_values(":one", n(1))
                .expression_attribute_values(":most", n(MAX_UNKNOWN_OUTCOMES))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                );
            let record = match update(claim).await? {
                Ok(record) | Err(record) => record,
            };
            let record: Image = record.map_or_else(|| Ok(Image::default()), from_item)?;
            // Also when the condition failed: the SDK repeats a write whose answer was lost, and a record that carries
            // our own lease is our own success.
            if record.lease_id.as_deref() == Some(lease_id.as_str()) {
                return Ok(Ticket {
                    image,
                    lease_id,
                    provider_calls: record.provider_calls,
                    failed_fetches: record.failed_fetches,
                });
            }
            if let Err(refused) = record.may_claim(now) {
                return Err(ClaimError::Refused(refused));
            }
        }
        Err(AwsError::Contended("claiming an image").into())
    }

    /// Gives a claim back after a call that has ended, so that others need not wait for the lease to run out.
    ///
    /// `known`: the outcome is known and bought nothing, so the call no longer counts against the tries. A claim that
    /// somebody else holds by now stays as it is.
    pub async fn release(&self, ticket: &Ticket, known: bool) -> Result<(), AwsError> {
        self.give_back(ticket, known, false).await
    }

    /// The same after a call that bought nothing because the provider could not fetch the photo; these are counted.
    pub async fn release_unfetched(&self, ticket: &Ticket) -> Result<(), AwsError> {
        self.give_back(ticket, true, true).await
    }

    async fn give_back(
        &self,
        ticket: &Ticket,
        known: bool,
        unfetched: bool,
    ) -> Result<(), AwsError> {
        let mut expression =
            "SET unknown_outcomes = unknown_outcomes - :known REMOVE lease_until".to_owned();
        let mut write = self
            .client
            .update_item()
            .table_name(&self.batches)
            .set_key(Some(image_key(ticket.image)))
            // `lease_until` makes a repeat harmless: only one of them finds it.
            .condition_expression("lease_id = :lease_id AND attribute_exists(lease_until)")
            .expression_attribute_values(":known", n(u8::from(known)))
            .expression_attribute_values(":lease_id", s(&ticket.lease_id));
        if unfetched {
            expression += " ADD failed_fetches :one";
            write = write.expression_attribute_values(":one", n(1));
        }
        update(write.update_expression(expression)).await.map(drop)
    }
}
