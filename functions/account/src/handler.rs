//! Who am I, what have I got, what may I do, what does it cost; what do I want to be told; and forget me.

use api::{DeleteAccountRequest, DeleteAccountResponse, Price, SettingsRequest};
use aws::{AccountError, AwsError, Queue, Tables, Welcome};
use domain::{
    Account, Deletion, Limits, PriceBand, PriceTable, Profile, Size, Timestamp, WebhookSecret,
    timing::UPLOAD_LINK,
};
use edge::http::{Call, Caller, Failure, ProblemKind, Reply};
use futures::{TryFutureExt, future::try_join};
use outbound::{Target, Targets};

/// The routes, as the template names them.
const ACCOUNT: &str = "GET /api/account";
const DELETE: &str = "DELETE /api/account";
const SETTINGS: &str = "GET /api/account/settings";
const CHANGE_SETTINGS: &str = "PUT /api/account/settings";

pub(crate) struct Handler {
    pub(crate) welcome: Welcome,
    pub(crate) tables: Tables,
    pub(crate) deletions: Queue,
    pub(crate) limits: Limits,
    pub(crate) prices: PriceTable,
    pub(crate) targets: Targets,
}

impl Handler {
    pub(crate) async fn handle(&self, call: Call) -> Result<Reply, Failure> {
        let caller = call.caller()?;
        match call.route() {
            ACCOUNT => self.account(caller).await,
            DELETE => self.delete(caller, &call.json()?).await,
            SETTINGS => self.settings(caller).await,
            CHANGE_SETTINGS => self.change_settings(caller, call.json()?).await,
            other => Err(AwsError::Missing(format!("an answer to {other:?}")).into()),
        }
    }

    async fn account(&self, caller: Caller) -> Result<Reply, Failure> {
        let profile = self.tables.profile(&caller.user).err_into();
        let (account, profile) = try_join(self.open(&caller), profile).await?;
        // Opening has just noted it. Accounts older than profiles have none, and addresses change.
        let noted = profile.is_some_and(|profile| profile.email == caller.email);
        if caller.email_verified && !noted {
            self.tables.note_email(&caller.user, &caller.email).await?;
        }
        Ok(Reply::ok(&api::Account {
            user_id: caller.user.to_string(),
            email: caller.email,
            credits: account.unwrap_or_default().balance.get(),
            limits: limits(&self.limits),
            prices: self.prices.bands().iter().map(price).collect(),
            auto_pixels: Size::Auto.max_pixels(),
        }))
    }

    async fn settings(&self, caller: Caller) -> Result<Reply, Failure> {
        let profile = self.tables.profile(&caller.user).err_into();
        let (_, profile) = try_join(self.open(&caller), profile).await?;
        let profile = profile.unwrap_or_else(|| Profile::new(caller.email));
        Ok(Reply::ok(&settings(profile)))
    }

    async fn change_settings(
        &self,
        caller: Caller,
        wanted: SettingsRequest,
    ) -> Result<Reply, Failure> {
        if let Some(webhook) = &wanted.webhook {
            check(&webhook.url, self.targets)?;
        }
        // Mail goes to this address from now on. One that was changed and not confirmed may be anybody's.
        if !caller.email_verified {
            return Err(Failure::email_not_verified());
        }
        // Also opens the account, which makes the profile of somebody who is new.
        self.open(&caller)
            .await?
            .ok_or_else(Failure::email_not_verified)?;
        let known = self.tables.profile(&caller.user).await?;
        let known = known.unwrap_or_else(|| Profile::new(String::new()));
        let webhook = wanted
            .webhook
            .map(|webhook| Ok::<_, AwsError>(known.webhook_at(webhook.url, new_secret()?)))
            .transpose()?;
        let profile = Profile {
            email: caller.email,
            emails: wanted.emails,
            webhook,
        };
        self.tables.save_profile(&caller.user, &profile).await?;
        Ok(Reply::ok(&settings(profile)))
    }

    /// Sends the wish on its way before it notes it: one that is noted is one that will be fulfilled, and who got no
    /// answer may say it again.
    async fn delete(
        &self,
        caller: Caller,
        request: &DeleteAccountRequest,
    ) -> Result<Reply, Failure> {
        confirmed(&caller, request)?;
        let deletion = Deletion {
            user: caller.user,
            username: caller.username,
        };
        self.deletions
            .send_all(std::slice::from_ref(&deletion))
            .await?;
        // And once more, for what comes after that first one: by a link for an upload that was given before, or from who was
        // at a photo already.
        self.deletions.send_later(&deletion, UPLOAD_LINK).await?;
        let closing = self.tables.close_account(&deletion.user, Timestamp::now());
        let deleted_at = closing.await?.to_string();
        Ok(Reply::accepted(&DeleteAccountResponse { deleted_at }))
    }

    async fn open(&self, caller: &Caller) -> Result<Option<Account>, AccountError> {
        let Caller {
            user,
            email,
            email_verified,
            ..
        } = caller;
        self.welcome.account(user, email, *email_verified).await
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

fn check(url: &str, targets: Targets) -> Result<(), Failure> {
    let refused = |why: outbound::TargetRefused| {
        Failure::new(ProblemKind::InvalidRequest, "this webhook cannot be called")
            .with_fault("/webhook/url".to_owned(), why.to_string())
    };
    Target::parse(url, targets).map(drop).map_err(refused)
}

fn new_secret() -> Result<WebhookSecret, AwsError> {
    let mut random = [0; WebhookSecret::BYTES];
    getrandom::fill(&mut random)
        .map_err(|error| AwsError::Missing(format!("randomness ({error})")))?;
    Ok(WebhookSecret::new(random))
}

fn settings(profile: Profile) -> api::Settings {
    api::Settings {
        emails: profile.emails,
        webhook: profile.webhook.map(|webhook| api::Webhook {
            url: webhook.url,
            secret: webhook.secret.to_string(),
        }),
    }
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
        assert_eq!(call.route(), ACCOUNT);
        let caller = call.caller().unwrap();
        assert_eq!(caller.email, "anna@example.com");
        assert!(caller.email_verified);
    }

    #[test]
    fn the_event_says_what_is_wanted() {
        let call = Call::from_event(include_str!("../../../events/account/settings.json")).unwrap();
        assert_eq!(call.route(), CHANGE_SETTINGS);
        let wanted: SettingsRequest = call.json().unwrap();
        assert!(!wanted.emails);
        check(&wanted.webhook.unwrap().url, Targets::Public).unwrap();
    }

    #[test]
    fn an_address_inside_is_refused_with_its_place() {
        let problem = check("https://169.254.169.254/", Targets::Public)
            .unwrap_err()
            .problem();
        assert_eq!(problem.status, 400);
        assert_eq!(problem.errors.unwrap()[0].pointer, "/webhook/url");
    }

    #[test]
    fn no_two_secrets_are_alike() {
        assert_ne!(new_secret().unwrap(), new_secret().unwrap());
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
