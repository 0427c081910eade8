//! The components: schemas as the types of `api` derive them, and what only configuration or other crates know.

use anyhow::{Context as _, Result, bail};
use domain::{Limits, MAX_NAME_CHARS};
use edge::http::ProblemKind;
use utoipa::ToSchema;
use utoipa::openapi::{
    Array, Components, ComponentsBuilder, Object, ObjectBuilder, RefOr, Schema, SchemaFormat, Type,
    schema::ArrayItems,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::ID_TOKEN;

/// What the gateway says by itself. No type of ours: no function ever sends it.
pub(crate) const GATEWAY_MESSAGE: &str = "GatewayMessage";

/// Why an image may have no result: the code, and what it means. The sentences that people read come with the code.
pub(crate) const IMAGE_CODES: [(&str, &str); 18] = [
    (
        "photo_missing",
        "nothing was uploaded under this key, or it has been deleted since",
    ),
    ("photo_empty", "the file has no bytes"),
    ("photo_too_large", "more bytes than `limits.maxFileBytes`"),
    (
        "photo_too_many_pixels",
        "more pixels than `limits.maxPixels`",
    ),
    ("photo_too_long", "more than 65,535 pixels on one side"),
    (
        "photo_type_not_supported",
        "a HEIC, GIF, TIFF, PDF, video or another known type that cannot be edited",
    ),
    ("photo_type_unknown", "not a picture of any known type"),
    ("photo_animated", "more than one frame"),
    ("photo_truncated", "the file is cut off before its end"),
    ("photo_damaged", "the file cannot be read"),
    (
        "moderation_blocked",
        "the image service's content rules do not allow this edit",
    ),
    (
        "edit_refused",
        "the image service does not make this edit of this photo, however often it is asked",
    ),
    (
        "photo_not_fetched",
        "the image service could not fetch the photo, after many tries",
    ),
    (
        "provider_rate_limited",
        "the image service had too much to do, after many tries",
    ),
    (
        "provider_unreachable",
        "the image service could not be reached, after many tries",
    ),
    (
        "provider_outcome_unknown",
        "the image service broke off twice while editing the photo",
    ),
    (
        "deadline_passed",
        "the photo could not be edited before the batch's deadline",
    ),
    ("internal_error", "our fault"),
];

/// Everything that operations refer to.
pub(crate) fn components() -> Result<Components> {
    let message = ObjectBuilder::new()
        .description(Some(
            "What the gateway in front of the API says when it refuses a request by itself.",
        ))
        .property(
            "message",
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("A few words.")),
        )
        .required("message");
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "The Cognito ID token (not the access token) that signing in gave.",
        ))
        .build();
    let mut components = ComponentsBuilder::new()
        .schemas_from_iter(derived())
        .schema(GATEWAY_MESSAGE, message)
        .security_scheme(ID_TOKEN, SecurityScheme::Http(token))
        .build();
    limit(&mut components, &Limits::default())?;
    list_codes(&mut components)?;
    components.schemas.values_mut().for_each(tidy);
    Ok(components)
}

/// The bodies of the routes, and all that they consist of.
fn derived() -> Vec<(String, RefOr<Schema>)> {
    fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
    let mut schemas = Vec::new();
    add::<api::Account>(&mut schemas);
    add::<api::Settings>(&mut schemas);
    add::<api::SettingsRequest>(&mut schemas);
    add::<api::DeleteAccountRequest>(&mut schemas);
    add::<api::DeleteAccountResponse>(&mut schemas);
    add::<api::PresignRequest>(&mut schemas);
    add::<api::PresignResponse>(&mut schemas);
    add::<api::SubmitRequest>(&mut schemas);
    add::<api::SubmitResponse>(&mut schemas);
    add::<api::CancelResponse>(&mut schemas);
    add::<api::BatchStatus>(&mut schemas);
    add::<api::BatchHistory>(&mut schemas);
    add::<api::Packs>(&mut schemas);
    add::<api::Balance>(&mut schemas);
    add::<api::Transactions>(&mut schemas);
    add::<api::CheckoutRequest>(&mut schemas);
    add::<api::Checkout>(&mut schemas);
    add::<api::Portal>(&mut schemas);
    add::<api::Problem>(&mut schemas);
    schemas
}

/// Adds the limits, which are configuration: the document shows the defaults.
fn limit(components: &mut Components, limits: &Limits) -> Result<()> {
    let files = array(components, "PresignRequest", "files")?;
    files.min_items = Some(1);
    files.max_items = Some(limits.max_files_per_presign as usize);
    configurable(&mut files.description, "maxFilesPerPresign");

    let size = object(components, "FileToUpload", "size")?;
    size.maximum = Some(usize::try_from(limits.max_file_bytes)?.into());
    configurable(&mut size.description, "maxFileBytes");

    let images = array(components, "SubmitRequest", "images")?;
    images.min_items = Some(1);
    images.max_items = Some(limits.max_images_per_batch as usize);
    configurable(&mut images.description, "maxImagesPerBatch");

    let prompt = object(components, "SubmitRequest", "prompt")?;
    prompt.max_length = Some(limits.max_prompt_chars as usize);
    configurable(&mut prompt.description, "maxPromptChars");

    let name = object(components, "ImageToEdit", "name")?;
    name.min_length = Some(1);
    name.max_length = Some(MAX_NAME_CHARS as usize);

    let prompt = object(components, "ImageToEdit", "prompt")?;
    prompt.min_length = Some(1);
    prompt.max_length = Some(limits.max_image_prompt_chars as usize);
    configurable(&mut prompt.description, "maxImagePromptChars");
    Ok(())
}

fn configurable(description: &mut Option<String>, limit: &str) {
    let text = description.take().unwrap_or_default();
    *description = Some(format!(
        "{text} The maximum is the default of a deployment; `limits.{limit}` of `GET /api/account` is its own."
    ));
}

/// Lists the codes of problems and of images, which `api` does not know.
fn list_codes(components: &mut Components) -> Result<()> {
    let code = object(components, "Problem", "code")?;
    let lines = ProblemKind::ALL
        .map(|kind| format!("- `{}` ({}): {}", kind.code(), kind.status(), kind.title()));
    list(&mut code.description, &lines);

    let code = object(components, "ImageError", "code")?;
    let lines = IMAGE_CODES.map(|(code, meaning)| format!("- `{code}`: {meaning}"));
    list(&mut code.description, &lines);
    Ok(())
}

fn list(description: &mut Option<String>, lines: &[String]) {
    let text = description.take().unwrap_or_default();
    *description = Some(format!(
        "{text} There may be more in time; these exist:\n\n{}",
        lines.join("\n")
    ));
}

fn array<'a>(components: &'a mut Components, schema: &str, name: &str) -> Result<&'a mut Array> {
    match property(components, schema, name)? {
        RefOr::T(Schema::Array(array)) => Ok(array),
        _ => bail!("{schema}.{name} is no array"),
    }
}

fn object<'a>(components: &'a mut Components, schema: &str, name: &str) -> Result<&'a mut Object> {
    match property(components, schema, name)? {
        RefOr::T(Schema::Object(object)) => Ok(object),
        _ => bail!("{schema}.{name} is no plain value"),
    }
}

fn property<'a>(
    components: &'a mut Components,
    schema: &str,
    name: &str,
) -> Result<&'a mut RefOr<Schema>> {
    match components.schemas.get_mut(schema) {
        Some(RefOr::T(Schema::Object(object))) => object.properties.get_mut(name),
        _ => None,
    }
    .with_context(|| format!("there is no {schema}.{name}"))
}

/// Rust's words in the document's: no links between types, and the names that OpenAPI's registry has for formats.
fn tidy(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::Ref(reference) => reference.description = unlinked(&reference.description),
        RefOr::T(Schema::Object(object)) => {
            object.description = object.description.as_deref().map(unlinked);
            if let Some(SchemaFormat::KnownFormat(known)) = &object.format {
                // utoipa 6.0 spells these u-int32.
                let text = serde_json::to_value(known).unwrap_or_default();
                if let Some(bits) = text.as_str().and_then(|text| text.strip_prefix("u-int")) {
                    object.format = Some(SchemaFormat::Custom(format!("uint{bits}")));
                }
            }
            object.properties.values_mut().for_each(tidy);
        }
        RefOr::T(Schema::Array(array)) => {
            array.description = array.description.as_deref().map(unlinked);
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                tidy(items);
            }
        }
        RefOr::T(_) => {}
    }
}

fn unlinked(text: &str) -> String {
    text.replace("[`", "`").replace("`]", "`")
}
