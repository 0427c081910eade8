//! R6 and bad input: who is let in, what is taken, and what is said otherwise.

use std::time::Duration;

use api::SubmitResponse;
use domain::{Format, Timestamp};
use reqwest::Method;
use serde_json::json;
use stack_tests::{User, engine::Engine, inside::Inside, photo, photo_as, stack, unique, wait_for};

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    let stack = stack!();
    let user = User::new(&stack).await;
    for (method, path) in [
        (Method::GET, "/api/account"),
        (Method::POST, "/api/files/presign"),
        (Method::POST, "/api/images/generate"),
        (Method::GET, "/api/batches"),
        (
            Method::GET,
            "/api/batch/9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f/status",
        ),
        (
            Method::POST,
            "/api/batch/9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f/cancel",
        ),
        (
            Method::POST,
            "/api/batch/9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f/retry",
        ),
    ] {
        let nobody = user.anonymous(method.clone(), path);
        assert_eq!(user.send(nobody).await.status, 401, "{path}");
        let forged = user
            .anonymous(method, path)
            .bearer_auth("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.");
        assert_eq!(user.send(forged).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn what_is_another_users_looks_like_what_does_not_exist() {
    let stack = stack!();
    let (owner, other) = (User::new(&stack).await, User::new(&stack).await);
    let photo = owner.photo().await;
    let batch = owner
        .accepted(std::slice::from_ref(&photo), "blur")
        .await
        .batch_id;
    owner.finished(&batch).await;

    let status = |id: &str| format!("/api/batch/{id}/status");
    let theirs = other
        .get(&status(&batch))
        .await
        .problem(404, "batch_not_found");
    let nobodys = other
        .get(&status("9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f"))
        .await
        .problem(404, "batch_not_found");
    assert_eq!(theirs, nobodys);
    other
        .get(&status("no-id-at-all"))
        .await
        .problem(404, "batch_not_found");

    let submit = async |key: &str| {
        let body = json!({ "images": [{ "key": key }], "prompt": "blur" });
        other
            .submit(&unique("key"), &body)
            .await
            .problem(404, "photo_not_found")
    };
    assert_eq!(submit(&photo).await, submit("no/such/key").await);
    assert_eq!(
        submit(&photo).await.errors.unwrap()[0].pointer,
        "/images/0/key"
    );
    assert_eq!(other.account().await.credits, 10);
}

#[tokio::test]
async fn an_upload_link_takes_what_was_announced_once() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let bytes = photo(20, 20);
    let mut shorter = bytes.clone();
    shorter.truncate(bytes.len() - 1);

    let link = user.link("image/png", bytes.len()).await;
    assert_eq!(user.put(&link, shorter).await, 403);
    let mut other_type = link.clone();
    other_type
        .headers
        .insert("content-type".into(), "image/jpeg".into());
    assert_eq!(user.put(&other_type, bytes.clone()).await, 403);
    let mut overwriting = link.clone();
    overwriting.headers.remove("if-none-match");
    assert_eq!(user.put(&overwriting, bytes.clone()).await, 403);
    let mut elsewhere = link.clone();
    elsewhere.url = elsewhere.url.replacen("/uploads/", "/results/", 1);
    assert_eq!(user.put(&elsewhere, bytes.clone()).await, 403);

    assert_eq!(user.put(&link, bytes.clone()).await, 200);
    assert_eq!(user.put(&link, bytes).await, 412);
}

#[tokio::test]
async fn an_upload_link_leads_nowhere_else_and_not_for_ever() {
    let stack = stack!();
    let (user, other) = (User::new(&stack).await, User::new(&stack).await);
    let photos = Inside::deployed(&stack).photos;
    let bytes = photo(20, 20);
    let mut longer = bytes.clone();
    longer.push(0);

    let link = user.link("image/png", bytes.len()).await;
    assert_eq!(user.put(&link, longer).await, 403);
    // A key of one's own from another link, and one of somebody else's.
    for there in [&user, &other] {
        let mut elsewhere = link.clone();
        let key = there.link("image/png", bytes.len()).await.key;
        elsewhere.url = elsewhere.url.replacen(&link.key, &key, 1);
        assert_ne!(elsewhere.url, link.url);
        assert_eq!(user.put(&elsewhere, bytes.clone()).await, 403);
        assert!(!photos.exists(&key).await.unwrap());
    }
    let mut prolonged = link.clone();
    prolonged.url = prolonged
        .url
        .replacen("X-Amz-Expires=900", "X-Amz-Expires=901", 1);
    assert_ne!(prolonged.url, link.url);
    assert_eq!(user.put(&prolonged, bytes.clone()).await, 403);

    let valid_for = Duration::from_secs(1);
    let short = photos
        .upload_link(&link.key, Format::Png, bytes.len() as u64, valid_for)
        .await
        .unwrap();
    let mut expired = link.clone();
    (expired.url, expired.headers) = (short.url, short.headers);
    let signed = Timestamp::now();
    wait_for("the end of the link", async || {
        (Timestamp::now().since(signed) > 2 * valid_for).then_some(())
    })
    .await;
    assert_eq!(user.put(&expired, bytes.clone()).await, 403);
    assert!(!photos.exists(&link.key).await.unwrap());
    assert_eq!(user.put(&link, bytes).await, 200);
}

#[tokio::test]
async fn what_is_inside_a_file_counts_and_not_what_was_announced() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let files = [
        ("image/png", photo_as(Format::Jpeg, 64, 48)),
        ("image/jpeg", photo_as(Format::Png, 64, 48)),
        ("image/png", [b"GIF89a".as_slice(), &[0; 200]].concat()),
        (
            "image/webp",
            [b"\0\0\0\x18ftypheic".as_slice(), &[0; 200]].concat(),
        ),
    ];
    let mut keys = Vec::new();
    for (announced, file) in files {
        keys.push(user.upload(announced, file).await);
    }
    let prompt = unique("sepia");
    let batch = user.accepted(&keys, &prompt).await.batch_id;
    let status = user.finished(&batch).await;
    let codes = status.images.iter().map(|image| {
        let error = image.error.as_ref();
        error.map(|error| error.code.as_str())
    });
    let refused = Some("photo_type_not_supported");
    assert!(
        codes.eq([None, None, refused, refused]),
        "{:?}",
        status.images
    );
    assert_eq!(stack.provider_calls(&prompt).await.len(), 2);
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 8);
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong_and_where() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let presign = async |body: String| {
        let request = user
            .request(Method::POST, "/api/files/presign")
            .header("content-type", "application/json");
        user.send(request.body(body)).await
    };
    assert_eq!(
        presign("{".into())
            .await
            .problem(400, "invalid_json")
            .errors
            .unwrap()[0]
            .pointer,
        ""
    );
    let heic = json!({ "files": [{ "name": "a.heic", "contentType": "image/heic", "size": 5 }] });
    let problem = presign(heic.to_string())
        .await
        .problem(400, "invalid_request");
    assert_eq!(problem.errors.unwrap()[0].pointer, "/files/0/contentType");
    presign(format!(
        "{{\"files\": [], \"x\": \"{}\"}}",
        "x".repeat(1_000_000)
    ))
    .await
    .problem(413, "body_too_large");

    let body = json!({ "images": [{ "key": user.photo().await }], "prompt": "blur" });
    let without_key = user
        .request(Method::POST, "/api/images/generate")
        .json(&body);
    user.send(without_key)
        .await
        .problem(400, "idempotency_key_required");
    let wrong = json!({ "images": [{ "key": user.photo().await }], "prompt": " ", "options": { "size": "7x7" } });
    let problem = user
        .submit(&unique("key"), &wrong)
        .await
        .problem(400, "invalid_request");
    let pointers: Vec<_> = problem
        .errors
        .unwrap()
        .into_iter()
        .map(|fault| fault.pointer)
        .collect();
    assert_eq!(pointers, ["/prompt", "/options/size"]);
    assert_eq!(user.account().await.credits, 10);
}

#[tokio::test]
async fn a_submit_that_cannot_be_read_is_told_where() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let submit = async |body: String| {
        let request = user
            .request(Method::POST, "/api/images/generate")
            .header("content-type", "application/json")
            .header("idempotency-key", unique("key"));
        user.send(request.body(body)).await
    };
    for (body, pointer) in [
        ("", ""),
        ("null", ""),
        ("[]", ""),
        (r#"{"images": [], "prompt": "blur"} {}"#, ""),
        (r#"{"images": {}, "prompt": "blur"}"#, "/images"),
        (r#"{"images": ["key"], "prompt": "blur"}"#, "/images/0"),
        (
            r#"{"images": [{"key": 7}], "prompt": "blur"}"#,
            "/images/0/key",
        ),
        (
            r#"{"images": [{"key": "k", "prompt": []}]}"#,
            "/images/0/prompt",
        ),
        (r#"{"images": [{"key": "k"}], "prompt": 7}"#, "/prompt"),
        (
            r#"{"images": [], "prompt": "blur", "options": {"size": 7}}"#,
            "/options/size",
        ),
        // Half of a character, and one that has to be escaped.
        (r#"{"images": [], "prompt": "\ud83d"}"#, "/prompt"),
        ("{\"images\": [], \"prompt\": \"\u{7}\"}", "/prompt"),
    ] {
        let problem = submit(body.to_owned()).await.problem(400, "invalid_json");
        assert_eq!(problem.errors.unwrap()[0].pointer, pointer, "{body}");
    }
    for size in [1_000_001, 5_000_000] {
        let body = format!(r#"{{"images": [], "prompt": "{}"}}"#, "x".repeat(size));
        submit(body).await.problem(413, "body_too_large");
    }
    // The HTTP API does not even hand this one on; the words are its own.
    let too_large = submit("x".repeat(11_000_000)).await;
    assert_eq!(too_large.status, 413);
    assert_eq!(user.account().await.credits, 10);
}

#[tokio::test]
async fn any_text_up_to_its_limit_reaches_the_provider_as_it_is() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let photo = user.photo().await;
    let own = [
        "👩‍👩‍👧‍👦 🏳️‍🌈 in 🇦🇹",
        "\u{202b}הפוך לכחול\u{202c} ثم دوّره",
        "e\u{301}tude, Z\u{335}a\u{321}l\u{322}go, \u{1112}\u{1161}\u{11ab}",
        "\0 \u{1} \u{b} \u{1b}[31m \u{7f} \u{85}",
        "\u{fffe} \u{ffff} \u{fffd} \u{1fffe} \u{10ffff} \u{feff}",
        "\" \\ \r\n \t {% $states.input %} ${jndi:x} </script>",
    ]
    .map(|text| unique(&format!("{text} blur")));
    let own_at_its_limit = filled(&unique("sepia"), '𝒙', 2_000);
    let shared = filled(&unique("invert"), 'ü', 32_000);

    let mut images = vec![json!({ "key": photo })];
    let prompts = own.iter().chain([&own_at_its_limit]);
    images.extend(prompts.map(|prompt| json!({ "key": photo, "prompt": prompt })));
    let body = json!({ "images": images, "prompt": shared });
    let batch: SubmitResponse = user.submit(&unique("key"), &body).await.expect(202);
    let status = user.finished(&batch.batch_id).await;
    assert_eq!(status.counts.completed, 8, "{:?}", status.images);
    for prompt in own.iter().chain([&own_at_its_limit, &shared]) {
        // By its end, which is its own: an address holds no 32,000 characters.
        let calls = stack.provider_calls(&prompt[prompt.len() - 36..]).await;
        assert_eq!(calls.len(), 1, "{prompt}");
        assert_eq!(calls[0]["prompt"], *prompt);
    }
    engine.ledger(&user).await;

    let image = json!({ "key": photo, "prompt": format!("{own_at_its_limit}!") });
    let body = json!({ "images": [image], "prompt": format!("{shared}!") });
    let problem = user.submit(&unique("key"), &body).await;
    let faults = problem.problem(400, "invalid_request").errors.unwrap();
    let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/prompt", "/images/0/prompt"]);
    assert_eq!(user.account().await.credits, 2);
}

/// A prompt of so many characters: mostly this one, and the text at its end.
fn filled(text: &str, filler: char, chars: usize) -> String {
    let missing = chars - text.chars().count();
    let filler = std::iter::repeat_n(filler, missing);
    filler.chain(text.chars()).collect()
}

#[tokio::test]
async fn unknown_paths_under_the_api_are_not_the_web_app() {
    let stack = stack!();
    let user = User::new(&stack).await;
    assert_eq!(user.get("/api/no/such/thing").await.status, 404);
}
