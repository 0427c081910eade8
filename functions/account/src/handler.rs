//! Who am I, what have I got, what may I do, what does it cost.

use api::Price;
use aws::Welcome;
use domain::{Limits, PriceBand, PriceTable};
use edge::http::{Call, Caller, Failure, Reply};

pub(crate) struct Handler {
    pub(crate) welcome: Welcome,
    pub(crate) limits: Limits,
    pub(crate) prices: PriceTable,
}

impl Handler {
    pub(crate) async fn handle(&self, call: Call) -> Result<Reply, Failure> {
        let Caller {
            user,
            email,
            email_verified,
        } = call.caller()?;
        let account = self.welcome.account(&user, &email, email_verified).await?;
        Ok(Reply::ok(&api::Account {
            user_id: user.to_string(),
            email,
            credits: account.unwrap_or_default().balance.get(),
            limits: limits(&self.limits),
            prices: self.prices.bands().iter().map(price).collect(),
        }))
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
        let caller = call.caller().unwrap();
        assert_eq!(caller.email, "anna@example.com");
        assert!(caller.email_verified);
    }
}
