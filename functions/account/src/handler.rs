//! Who am I, what have I got, what may I do, what does it cost; and forget me.

use api::{DeleteAccountRequest, DeleteAccountResponse, Price};
use aws::{AwsError, Queue, Tables, Welcome};
use domain::{Deletion, Limits, PriceBand, PriceTable, Timestamp};
use edge::http::{Call, Caller, Failure, ProblemKind, Reply};

/// The routes, as the template names them.
const SHOW: &str = "GET /api/account";
const DELETE: &str = "DELETE /api/account";

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) deletions: Queue,
    pub(crate) welcome: Welcome,
    pub(crate) limits: Limits,
    pub(crate) prices: PriceTable,
}

impl Handler {
    pub(crate) async fn handle(&self, call: Call) -> Result<Reply, Failure> {
        match call.route() {
            SHOW => self.show(call.caller()?).await,
            DELETE => self.delete(call.caller()?, call.json()?).await,
            other => Err(AwsError::Missing(format!("an answer to {other:?}")).into()),
        }
    }

    async fn show(&self, caller: Caller) -> Result<Reply, Failure> {
        let Caller {
            user,
            email,
            email_verified,
            ..
        } = caller;
        let account = self.welcome.account(&user, &email, email_verified).await?;
        Ok(Reply::ok(&api::Account {
            user_id: user.to_string(),
            email,
            credits: account.unwrap_or_default().balance.get(),
            limits: limits(&self.limits),
            prices: self.prices.bands().iter().map(price).collect(),
        }))
    }

    /// Sends the wish on its way before it notes it: one that is noted is one that will be fulfilled, and who got no
    /// answer may say it again.
    async fn delete(
        &self,
        caller: Caller,
        request: DeleteAccountRequest,
    ) -> Result<Reply, Failure> {
        confirmed(&caller, &request)?;
        let deletion = Deletion {
            user: caller.user,
            username: caller.username,
        };
        self.deletions
            .send_all(std::slice::from_ref(&deletion))
            .await?;
        let closing = self.tables.close_account(&deletion.user, Timestamp::now());
        let deleted_at = closing.await?.to_string();
        Ok(Reply::accepted(&DeleteAccountResponse { deleted_at }))
    }
}

fn confirmed(caller: &Caller, request: &DeleteAccountRequest) -> Result<(), Failure> {
    if request.confirm.trim().to_lowercase() == caller.email.to_lowercase() {
        return Ok(());
    }
    let failure = Failure::new(
        ProblemKind::InvalidRequest,
        "nothing was deleted; confirm with the e-mail address of the account",
    );
    let detail = "is not the e-mail address of the account".to_owned();
    Err(failure.with_fault("/confirm".to_owned(), detail))
}

const fn limits(limits: &Limits) -> api::Limits {
    api::Limits {
        max_images_per_batch: limits.max_images_per_batch,
        max_file_bytes: limits.max_file_bytes,
        max_pixels: limits.max_pixels,
        max_open_images: limits.max_open_images,
        max_files_per_presign: limits.max_files_per_presign,
        max_prompt_chars: limits.max_prompt_chars,
        max_image_prompt_chars: limits.max_image_prompt_chars,
    }
}

fn price(band: &PriceBand) -> Price {
    Price {
        quality: band.quality.name().to_owned(),
        up_to_pixels: band.up_to_pixels,
        credits: band.credits.get(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_says_who_calls() {
        let call =
            Call::from_event(include_str!("../../../events/account/signed-in.json")).unwrap();
        let caller = call.caller().unwrap();
        assert_eq!(call.route(), SHOW);
        assert_eq!(caller.email, "anna@example.com");
        assert!(caller.email_verified);
    }

    #[test]
    fn only_the_own_address_confirms() {
        let event = include_str!("../../../events/account/delete.json");
        let confirmed = |event: &str| {
            let call = Call::from_event(event).unwrap();
            assert_eq!(call.route(), DELETE);
            confirmed(&call.caller().unwrap(), &call.json().unwrap())
        };
        assert!(confirmed(event).is_ok());
        assert!(confirmed(&event.replace("anna@example.com\\", " Anna@Example.com \\")).is_ok());
        for other in ["", "anna", "bert@example.com"] {
            let event = event.replace("anna@example.com\\", &format!("{other}\\"));
            let problem = confirmed(&event).unwrap_err().problem();
            assert_eq!(
                (problem.status, problem.code.as_str()),
                (400, "invalid_request")
            );
            assert_eq!(problem.errors.unwrap()[0].pointer, "/confirm");
        }
    }

    #[test]
    fn who_signs_in_elsewhere_is_deleted_by_that_name() {
        let event = include_str!("../../../events/account/delete.json");
        let caller = Call::from_event(event).unwrap().caller().unwrap();
        assert_eq!(caller.username, "google_104857600000000000001");
        assert_ne!(caller.username, caller.user.as_str());
    }
}
