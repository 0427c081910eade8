//! R6 and bad input: who is let in, what is taken, and what is said otherwise.

use reqwest::Method;
use serde_json::json;
use stack_tests::{User, photo, stack, unique};

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
async fn unknown_paths_under_the_api_are_not_the_web_app() {
    let stack = stack!();
    let user = User::new(&stack).await;
    assert_eq!(user.get("/api/no/such/thing").await.status, 404);
}
