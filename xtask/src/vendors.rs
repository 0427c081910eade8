//! Who makes the images, sells the credits and sends the mail: the real services where their keys are in the environment,
//! stand-ins where they are not.

use anyhow::{Result, bail};

use crate::environment::Environment;
use crate::ports::{Ports, StandIn};
use crate::stack;

/// The key that each stand-in accepts.
const STAND_IN_KEY: &str = "local-stand-in";
/// What the stand-in of Polar signs its webhooks with. No secret: who can reach the API of a laptop is on it.
const STAND_IN_WEBHOOK_SECRET: &str = "polar_whs_local-stand-in";
/// What it sells.
const STAND_IN_PACKS: &str = concat!(
    r#"[{"productId":"00000000-0000-4000-8000-000000000050","name":"50 credits","credits":50,"price":500,"currency":"usd"},"#,
    r#"{"productId":"00000000-0000-4000-8000-000000000200","name":"200 credits","credits":200,"price":1800,"currency":"usd"},"#,
    r#"{"productId":"00000000-0000-4000-8000-000000001000","name":"1,000 credits","credits":1000,"price":7500,"currency":"usd"}]"#,
);
const STAND_IN_MAIL_FROM: &str = "Batch Image Edit <photos@example.com>";

/// The services around a stack.
pub(crate) struct Vendors {
    /// The images API.
    pub(crate) provider: Provider,
    /// Who sells the credits.
    pub(crate) polar: Polar,
    /// Who sends the mail.
    pub(crate) resend: Resend,
}

impl Vendors {
    /// Chooses; a sentence if a real service lacks something that only a person can say.
    pub(crate) fn choose(environment: &Environment, ports: Ports) -> Result<Self> {
        Ok(Self {
            provider: Provider::choose(environment, ports),
            polar: Polar::choose(environment, ports)?,
            resend: Resend::choose(environment, ports)?,
        })
    }

    /// The ones that are played here.
    pub(crate) fn stand_ins(&self) -> Vec<StandIn> {
        let is_played = |stand_in: &StandIn| match stand_in {
            StandIn::Openai => self.provider.is_stand_in,
            StandIn::Polar => self.polar.is_stand_in,
            StandIn::Resend => self.resend.is_stand_in,
        };
        StandIn::ALL.into_iter().filter(is_played).collect()
    }

    /// Where each of them is.
    pub(crate) fn base_urls(&self) -> [(StandIn, &str); 3] {
        [
            (StandIn::Openai, &self.provider.base_url),
            (StandIn::Polar, &self.polar.base_url),
            (StandIn::Resend, &self.resend.base_url),
        ]
    }

    /// Parameters of the template that follow from them. Those that the template does not declare are left out.
    pub(crate) fn parameters(&self) -> Vec<String> {
        let mut parameters = vec![
            format!("ProviderBaseUrl={}", self.provider.base_url),
            format!("ProviderInputForm={}", self.provider.input_form),
            format!("PolarBaseUrl={}", self.polar.base_url),
            format!("Packs={}", self.polar.packs),
            format!("ResendBaseUrl={}", self.resend.base_url),
            format!("MailFrom={}", self.resend.mail_from),
            // A receiver of webhooks at home is at home, too.
            "WebhookTargets=public-or-loopback".to_owned(),
        ];
        if self.provider.is_stand_in {
            // It keeps nobody waiting, and its faults end when a test says so.
            parameters.push("ProviderImagesPerMinute=6000".to_owned());
            parameters.push("ProviderProbeSeconds=3".to_owned());
            parameters.push(r#"TimeLimits={"repeatAfter":10}"#.to_owned());
        }
        parameters
    }

    /// What has to be secret, as variables for the deployment.
    pub(crate) fn secrets(&self) -> Vec<(&'static str, &str)> {
        let mut secrets = vec![
            ("PROVIDER_API_KEY", self.provider.key.as_str()),
            ("POLAR_ACCESS_TOKEN", &self.polar.token),
            ("RESEND_API_KEY", &self.resend.key),
        ];
        if let Some(secret) = &self.polar.webhook_secret {
            secrets.push(("POLAR_WEBHOOK_SECRET", secret));
        }
        secrets
    }
}

/// The images API that the functions will call.
pub(crate) struct Provider {
    /// Where it is.
    pub(crate) base_url: String,
    key: String,
    input_form: &'static str,
    is_stand_in: bool,
}

impl Provider {
    const REAL: &str = "https://api.openai.com/v1";

    fn choose(environment: &Environment, ports: Ports) -> Self {
        let key = environment.openai_api_key.clone();
        let is_stand_in = key.is_none() && environment.openai_base_url.is_none();
        let usual = if is_stand_in {
            format!("{}/v1", stack::url(ports.openai))
        } else {
            Self::REAL.to_owned()
        };
        Self {
            base_url: environment.openai_base_url.clone().unwrap_or(usual),
            key: key.unwrap_or_else(|| STAND_IN_KEY.to_owned()),
            // A service elsewhere cannot fetch a photo from this machine: it is sent the bytes.
            input_form: if is_stand_in { "url" } else { "multipart" },
            is_stand_in,
        }
    }
}

/// Who sells the credits.
pub(crate) struct Polar {
    /// Where it is.
    pub(crate) base_url: String,
    /// What is sold, as JSON.
    pub(crate) packs: String,
    token: String,
    webhook_secret: Option<String>,
    is_stand_in: bool,
}

impl Polar {
    fn choose(environment: &Environment, ports: Ports) -> Result<Self> {
        let packs = environment.packs.clone();
        let Some(token) = environment.polar_access_token.clone() else {
            return Ok(Self {
                base_url: stack::url(ports.polar),
                packs: packs.unwrap_or_else(|| STAND_IN_PACKS.to_owned()),
                token: STAND_IN_KEY.to_owned(),
                webhook_secret: Some(STAND_IN_WEBHOOK_SECRET.to_owned()),
                is_stand_in: true,
            });
        };
        let (Some(base_url), Some(packs)) = (environment.polar_base_url.clone(), packs) else {
            bail!(
                "POLAR_ACCESS_TOKEN is set, so credits are sold by Polar: say where in POLAR_BASE_URL \
                 (https://api.polar.sh or https://sandbox-api.polar.sh) and what in PACKS, a JSON array of \
                 {{productId, name, credits, price, currency}}; or unset it for the stand-in"
            );
        };
        Ok(Self {
            base_url,
            packs,
            token,
            webhook_secret: environment.polar_webhook_secret.clone(),
            is_stand_in: false,
        })
    }

    /// What webhooks have to be signed with, where that is no secret.
    pub(crate) fn stand_in_webhook_secret(&self) -> Option<&str> {
        let secret = self.webhook_secret.as_deref();
        secret.filter(|_| self.is_stand_in)
    }
}

/// Who sends the mail.
pub(crate) struct Resend {
    /// Where it is.
    pub(crate) base_url: String,
    mail_from: String,
    key: String,
    is_stand_in: bool,
}

impl Resend {
    const REAL: &str = "https://api.resend.com";

    fn choose(environment: &Environment, ports: Ports) -> Result<Self> {
        let mail_from = environment.mail_from.clone();
        let Some(key) = environment.resend_api_key.clone() else {
            return Ok(Self {
                base_url: stack::url(ports.resend),
                mail_from: mail_from.unwrap_or_else(|| STAND_IN_MAIL_FROM.to_owned()),
                key: STAND_IN_KEY.to_owned(),
                is_stand_in: true,
            });
        };
        let Some(mail_from) = mail_from else {
            bail!(
                "RESEND_API_KEY is set, so mail is sent by Resend: say from whom in MAIL_FROM, at a domain that Resend has \
                 verified, such as \"Photos <photos@yours.com>\"; or unset it for the stand-in"
            );
        };
        Ok(Self {
            base_url: Self::REAL.to_owned(),
            mail_from,
            key,
            is_stand_in: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: Option<&str>, url: Option<&str>, expected: (&str, &str, &str, bool)) {
        let environment = Environment {
            openai_api_key: key.map(str::to_owned),
            openai_base_url: url.map(str::to_owned),
            ..Environment::default()
        };
        let chosen = Provider::choose(&environment, Ports::default());
        assert_eq!(
            (
                chosen.base_url.as_str(),
                chosen.key.as_str(),
                chosen.input_form,
                chosen.is_stand_in
            ),
            expected
        );
    }

    #[test]
    fn the_provider_follows_the_environment() {
        check(
            None,
            None,
            ("http://127.0.0.1:8090/v1", "local-stand-in", "url", true),
        );
        check(
            Some("k"),
            None,
            ("https://api.openai.com/v1", "k", "multipart", false),
        );
        check(
            Some("k"),
            Some("https://x/v1"),
            ("https://x/v1", "k", "multipart", false),
        );
        check(
            None,
            Some("http://lan:1234/v1"),
            ("http://lan:1234/v1", "local-stand-in", "multipart", false),
        );
    }

    #[test]
    fn without_keys_everybody_is_played_here() {
        let vendors = Vendors::choose(&Environment::default(), Ports::default()).unwrap();
        assert_eq!(vendors.stand_ins(), StandIn::ALL);
        let parameters = vendors.parameters();
        for expected in [
            "PolarBaseUrl=http://127.0.0.1:8091",
            "ResendBaseUrl=http://127.0.0.1:8092",
            "MailFrom=Batch Image Edit <photos@example.com>",
            "WebhookTargets=public-or-loopback",
        ] {
            assert!(parameters.iter().any(|it| it == expected), "{expected}");
        }
        let secret = ("POLAR_WEBHOOK_SECRET", STAND_IN_WEBHOOK_SECRET);
        assert!(vendors.secrets().contains(&secret));
    }

    #[test]
    fn real_services_want_to_know_what_only_people_can_say() {
        let some = |text: &str| Some(text.to_owned());
        let mut environment = Environment {
            polar_access_token: some("polar_oat_1"),
            resend_api_key: some("re_1"),
            ..Environment::default()
        };
        let ask = |environment: &Environment| {
            let vendors = Vendors::choose(environment, Ports::default());
            vendors.map_err(|error| error.to_string())
        };
        let missing = |environment: &Environment| ask(environment).err().unwrap();
        assert!(missing(&environment).contains("POLAR_BASE_URL"));
        environment.polar_base_url = some("https://sandbox-api.polar.sh");
        environment.packs = some("[]");
        assert!(missing(&environment).contains("MAIL_FROM"));
        environment.mail_from = some("photos@yours.com");
        let vendors = ask(&environment).unwrap();
        assert_eq!(vendors.stand_ins(), [StandIn::Openai]);
        // Nothing that they sign with goes into a file.
        environment.polar_webhook_secret = some("polar_whs_1");
        let vendors = ask(&environment).unwrap();
        assert_eq!(vendors.polar.stand_in_webhook_secret(), None);
        assert!(
            vendors
                .secrets()
                .contains(&("POLAR_WEBHOOK_SECRET", "polar_whs_1"))
        );
    }
}
