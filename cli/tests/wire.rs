//! The program as people run it, against a service that answers what we tell it to. Pins what `bie` sends, what it
//! remembers between runs, what it prints, and how it exits. No test waits: the service says when to ask again.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use wiremock::{
    Match, Mock, MockServer, Request, ResponseTemplate,
    matchers::{body_partial_json, header, header_exists, method, path, query_param},
};

const BATCH: &str = "b-1";

/// A folder of somebody who is signed in, and the service.
struct World {
    server: MockServer,
    dir: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let (server, dir) = (MockServer::start().await, tempfile::tempdir().unwrap());
        let stack = json!({
            "url": server.uri(), "region": "us-east-1", "awsEndpoint": server.uri(),
            "userPoolId": "pool", "clientId": "client", "somethingElse": 1,
        });
        fs::write(dir.path().join("stack.json"), stack.to_string()).unwrap();
        let world = Self { server, dir };
        world.sign_in(4_000_000_000);
        world
    }

    fn sign_in(&self, expires_at: u64) {
        let stack: Value =
            serde_json::from_slice(&fs::read(self.path("stack.json")).unwrap()).unwrap();
        let session = json!({
            "email": "ada@example.com", "connection": stack,
            "tokens": {"idToken": "id-token", "refreshToken": "refresh-token", "expiresAt": expires_at},
        });
        fs::create_dir_all(self.path("config")).unwrap();
        fs::write(self.path("config/session.json"), session.to_string()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn bie(&self, arguments: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_bie"))
            .args([
                "--stack",
                "stack.json",
                "--config-dir",
                "config",
                "--retries",
                "0",
            ])
            .args(arguments)
            .current_dir(self.dir.path())
            .env_remove("BIE_PASSWORD")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        Run(output)
    }

    fn photo(&self, name: &str, colour: u8) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_pixel(8, 6, image::Rgb([colour; 3]))
            .save(path)
            .unwrap();
    }

    async fn on(&self, mock: wiremock::MockBuilder, answer: ResponseTemplate, expected: u64) {
        mock.respond_with(answer)
            .expect(expected)
            .mount(&self.server)
            .await;
    }

    async fn account(&self, credits: u64) {
        let answer = json!({
            "userId": "me", "email": "ada@example.com", "credits": credits,
            "limits": {"maxImagesPerBatch": 2, "maxFileBytes": 100_000, "maxPixels": 1_000_000,
                       "maxFilesPerPresign": 1, "maxOpenImages": 1000, "maxPromptChars": 100, "maxImagePromptChars": 100},
            "prices": [{"quality": "medium", "upToPixels": 2_000_000, "credits": 3}],
            "autoPixels": 2_000_000,
        });
        let mock = Mock::given(method("GET"))
            .and(path("/api/account"))
            .and(header("authorization", "Bearer id-token"));
        mock.respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .mount(&self.server)
            .await;
    }

    /// Links and a bucket for so many files; every file asks for its link alone, as `maxFilesPerPresign` is 1.
    async fn uploads(&self, files: u64) {
        let bucket = self.server.uri();
        let presign = move |request: &Request| {
            let file = &request.body_json::<Value>().unwrap()["files"][0];
            let key = format!("uploads/me/{}", file["name"].as_str().unwrap());
            ResponseTemplate::new(200).set_body_json(json!({"uploads": [{
                "key": key, "url": format!("{bucket}/bucket/{key}?X-Amz-Signature=s"), "method": "PUT",
                "headers": {"content-type": file["contentType"], "if-none-match": "*"},
                "expiresAt": "2026-11-23T00:00:00Z",
            }]}))
        };
        let presigns = Mock::given(method("POST")).and(path("/api/files/presign"));
        presigns
            .respond_with(presign)
            .expect(files)
            .mount(&self.server)
            .await;
        let puts = Mock::given(method("PUT"))
            .and(header("if-none-match", "*"))
            .and(header_exists("content-length"))
            .and(Without("authorization"))
            .and(Without("transfer-encoding"));
        self.on(puts, ResponseTemplate::new(200), files).await;
    }

    fn submit() -> wiremock::MockBuilder {
        Mock::given(method("POST"))
            .and(path("/api/images/generate"))
            .and(header_exists("idempotency-key"))
    }

    fn accepted(images: u64) -> ResponseTemplate {
        ResponseTemplate::new(202).set_body_json(json!({
            "batchId": BATCH, "imageCount": images, "creditsSpent": 3 * images, "credits": 4,
            "statusUrl": "/api/batch/b-1/status",
        }))
    }

    fn status(&self, images: &[&str], poll_after_ms: u64) -> Value {
        let count = |state: &str| images.iter().filter(|image| **image == state).count();
        let image = |(index, state): (usize, &&str)| {
            let mut image =
                json!({"index": index, "key": "k", "status": state, "providerCalls": 1});
            match *state {
                "completed" => {
                    image["resultUrl"] =
                        json!(format!("{}/results/{index}?sig=1", self.server.uri()));
                }
                "failed" => {
                    image["error"] = json!({"code": "moderation_blocked", "message": "The provider refused this picture."});
                }
                _ => {}
            }
            image
        };
        json!({
            "batchId": BATCH, "status": "processing", "prompt": "wish", "options": {"format": "png"},
            "creditsSpent": 6, "creditsRefunded": 3 * count("failed"), "createdAt": "2026-11-23T00:00:00Z",
            "counts": {"total": images.len(), "pending": count("pending"), "processing": count("processing"),
                       "completed": count("completed"), "failed": count("failed"), "canceled": 0},
            "pollAfterMs": poll_after_ms, "images": images.iter().enumerate().map(image).collect::<Vec<_>>(),
        })
    }

    async fn results(&self, index: u64, expected: u64) {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(4, 4)
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        let get = Mock::given(method("GET"))
            .and(path(format!("/results/{index}")))
            .and(Without("authorization"));
        self.on(
            get,
            ResponseTemplate::new(200).set_body_bytes(bytes.into_inner()),
            expected,
        )
        .await;
    }

    async fn sent_to(&self, path: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter()
            .filter(|request| request.url.path() == path)
            .collect()
    }
}

fn status_of(batch: &str) -> wiremock::MockBuilder {
    Mock::given(method("GET")).and(path(format!("/api/batch/{batch}/status")))
}

/// A header that must not be sent.
struct Without(&'static str);

impl Match for Without {
    fn matches(&self, request: &Request) -> bool {
        !request.headers.contains_key(self.0)
    }
}

/// What came out of a run.
struct Run(Output);

impl Run {
    fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.out(), self.err()))
    }

    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.0.status.code(),
            Some(code),
            "{}\n{}",
            self.out(),
            self.err()
        );
        self
    }
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn problem(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_string(), "application/problem+json")
}

#[tokio::test]
async fn an_edit_from_files_to_results_with_one_failure() {
    let world = World::new().await;
    world.photo("one/photo.png", 1);
    world.photo("two/photo.png", 2);
    fs::write(world.path("one/notes.txt"), "hello").unwrap();
    world.account(10).await;
    world.uploads(2).await;
    let wish = json!({
        "images": [{"key": "uploads/me/photo.png", "name": "photo.png"}, {"key": "uploads/me/photo.png", "name": "photo.png"}],
        "prompt": "make it blue",
        "options": {"quality": "medium", "size": "auto", "format": "png"},
    });
    world
        .on(
            World::submit().and(body_partial_json(wish)),
            World::accepted(2),
            1,
        )
        .await;

    let first = world.status(&["completed", "processing"], 1);
    let first = ResponseTemplate::new(200)
        .set_body_json(first)
        .insert_header("etag", "\"v1\"");
    world
        .on(status_of(BATCH).and(Without("if-none-match")), first, 1)
        .await;
    let unchanged = status_of(BATCH).and(header("if-none-match", "\"v1\""));
    unchanged
        .respond_with(ResponseTemplate::new(304))
        .up_to_n_times(1)
        .expect(1)
        .mount(&world.server)
        .await;
    let last = world.status(&["completed", "failed"], 0);
    let last = ResponseTemplate::new(200)
        .set_body_json(last)
        .insert_header("etag", "\"v2\"");
    world
        .on(
            status_of(BATCH).and(header("if-none-match", "\"v1\"")),
            last,
            1,
        )
        .await;
    world.results(0, 1).await;

    let run = world
        .bie(&[
            "edit",
            "one",
            "two",
            "--prompt",
            " make it blue ",
            "--contact-sheet",
        ])
        .exits(2);
    assert_eq!(
        run.out(),
        "failed: two/photo.png: The provider refused this picture. (refunded)\n\
         1 image edited into edited/, 1 failed and refunded, 10 credits left\n\
         to try the failed ones again, add --retry-failed\n\
         before and after: edited/contact-sheet.png\n"
    );
    for said in [
        "passing over one/notes.txt: not a picture",
        "price: 6 credits (2 images at 3); balance: 10",
        "uploaded 2 of 2",
        "batch b-1",
        "1 of 2 done: 1 completed, 0 failed; 1 processing, 0 pending",
        "2 of 2 done: 1 completed, 1 failed",
    ] {
        assert!(run.err().contains(said), "{said} is not in {}", run.err());
    }
    assert_eq!(
        files(&world.path("edited")),
        [".bie", "contact-sheet.png", "photo.png"]
    );

    // Again: everything is known, so nothing but the account is asked for.
    let before = world.server.received_requests().await.unwrap().len();
    let again = world
        .bie(&["edit", "one", "two", "--prompt", "make it blue", "--json"])
        .exits(2);
    let report = again.json();
    assert_eq!(
        report["edited"],
        json!([{"file": "one/photo.png", "result": "edited/photo.png"}])
    );
    assert_eq!(report["failed"][0]["code"], "moderation_blocked");
    assert_eq!(
        (&report["creditsSpent"], &report["credits"]),
        (&json!(0), &json!(10))
    );
    assert_eq!(
        report["batches"],
        json!([{"batchId": BATCH, "creditsSpent": 6, "creditsRefunded": 3}])
    );
    assert_eq!(
        world.server.received_requests().await.unwrap().len(),
        before + 2
    );
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_under_the_same_key() {
    let world = World::new().await;
    world.photo("a.png", 1);
    world.account(10).await;
    world.uploads(1).await;
    // The answer is lost once; the debit may have happened. The key must be on disk by then, in case we die here.
    let memory = world.path("edited/.bie");
    let lose = move |request: &Request| {
        let key = request.headers["idempotency-key"].to_str().unwrap();
        let saved = files(&memory).iter().any(|name| {
            let text = fs::read_to_string(memory.join(name)).unwrap();
            text.contains(key) && text.contains("\"attempted\": true")
        });
        ResponseTemplate::new(if saved { 504 } else { 418 })
    };
    World::submit()
        .respond_with(lose)
        .up_to_n_times(1)
        .mount(&world.server)
        .await;
    let run = world.bie(&["edit", "a.png", "--prompt", "wish"]).exits(1);
    assert!(
        run.err().contains("nothing is bought twice"),
        "{}",
        run.err()
    );

    // The photo may even have moved: it is known by its content.
    fs::rename(world.path("a.png"), world.path("renamed.png")).unwrap();
    world.on(World::submit(), World::accepted(1), 1).await;
    let done = world.status(&["completed"], 0);
    world
        .on(
            status_of(BATCH),
            ResponseTemplate::new(200).set_body_json(done),
            1,
        )
        .await;
    world.results(0, 1).await;
    world
        .bie(&["edit", "renamed.png", "--prompt", "wish"])
        .exits(0);

    let submits = world.sent_to("/api/images/generate").await;
    assert_eq!(submits.len(), 2);
    assert_eq!(
        submits[0].headers["idempotency-key"],
        submits[1].headers["idempotency-key"]
    );
    // The service does not take another name for another request.
    let unnamed = |request: &Request| {
        let body = String::from_utf8(request.body.clone()).unwrap();
        body.replace("renamed.png", "a.png")
    };
    assert_eq!(unnamed(&submits[0]), unnamed(&submits[1]));
    assert_eq!(files(&world.path("edited")), [".bie", "a.png"]);
}

#[tokio::test]
async fn a_lost_result_is_fetched_again_and_a_new_photo_is_bought_alone() {
    let world = World::new().await;
    world.photo("a.png", 1);
    world.account(10).await;
    world.uploads(2).await;
    World::submit()
        .respond_with(World::accepted(1))
        .up_to_n_times(1)
        .mount(&world.server)
        .await;
    let done = world.status(&["completed"], 0);
    world
        .on(
            status_of(BATCH),
            ResponseTemplate::new(200).set_body_json(&done),
            2,
        )
        .await;
    world.results(0, 3).await;
    world.bie(&["edit", "a.png", "--prompt", "wish"]).exits(0);
    fs::remove_file(world.path("edited/a.png")).unwrap();
    world.bie(&["edit", "a.png", "--prompt", "wish"]).exits(0);
    assert_eq!(files(&world.path("edited")), [".bie", "a.png"]);

    world.photo("b.png", 2);
    let second = json!({
        "batchId": "b-2", "imageCount": 1, "creditsSpent": 3, "credits": 1, "statusUrl": "/api/batch/b-2/status",
    });
    let only_b =
        body_partial_json(json!({"images": [{"key": "uploads/me/b.png", "name": "b.png"}]}));
    world
        .on(
            World::submit().and(only_b),
            ResponseTemplate::new(202).set_body_json(second),
            1,
        )
        .await;
    world
        .on(
            status_of("b-2"),
            ResponseTemplate::new(200).set_body_json(&done),
            1,
        )
        .await;
    world
        .bie(&["edit", "a.png", "b.png", "--prompt", "wish"])
        .exits(0);
    assert_eq!(files(&world.path("edited")), [".bie", "a.png", "b.png"]);
    assert_eq!(world.sent_to("/api/images/generate").await.len(), 2);
}

#[tokio::test]
async fn a_refunded_image_is_bought_again_when_asked_and_keeps_its_name() {
    let world = World::new().await;
    world.photo("a.png", 1);
    world.account(10).await;
    world.uploads(2).await;
    World::submit()
        .respond_with(World::accepted(1))
        .up_to_n_times(1)
        .mount(&world.server)
        .await;
    let failed = world.status(&["failed"], 0);
    world
        .on(
            status_of(BATCH),
            ResponseTemplate::new(200).set_body_json(failed),
            1,
        )
        .await;
    world.bie(&["edit", "a.png", "--prompt", "wish"]).exits(2);
    world.bie(&["edit", "a.png", "--prompt", "wish"]).exits(2);

    let second = json!({
        "batchId": "b-2", "imageCount": 1, "creditsSpent": 3, "credits": 1, "statusUrl": "/api/batch/b-2/status",
    });
    world
        .on(
            World::submit(),
            ResponseTemplate::new(202).set_body_json(second),
            1,
        )
        .await;
    let done = world.status(&["completed"], 0);
    world
        .on(
            status_of("b-2"),
            ResponseTemplate::new(200).set_body_json(done),
            1,
        )
        .await;
    world.results(0, 1).await;
    world
        .bie(&["edit", "a.png", "--prompt", "wish", "--retry-failed"])
        .exits(0);
    world.bie(&["edit", "a.png", "--prompt", "wish"]).exits(0);
    assert_eq!(files(&world.path("edited")), [".bie", "a.png"]);
}

#[tokio::test]
async fn a_repeat_that_is_refused_keeps_its_key() {
    let world = World::new().await;
    world.photo("a.png", 1);
    world.account(10).await;
    world.uploads(1).await;
    World::submit()
        .respond_with(ResponseTemplate::new(504))
        .up_to_n_times(1)
        .mount(&world.server)
        .await;
    world.bie(&["edit", "a.png", "--prompt", "wish"]).exits(1);
    let gone = json!({
        "type": "x", "title": "Bad", "status": 400, "code": "invalid_input", "detail": "No such upload.",
    });
    world.on(World::submit(), problem(400, &gone), 2).await;
    for _ in 0..2 {
        let run = world.bie(&["edit", "a.png", "--prompt", "wish"]).exits(1);
        assert!(
            run.err().contains("bie history") && run.err().contains("No such upload."),
            "{}",
            run.err()
        );
    }
    let submits = world.sent_to("/api/images/generate").await;
    assert!(
        submits
            .windows(2)
            .all(|two| two[0].headers["idempotency-key"] == two[1].headers["idempotency-key"])
    );
}

#[tokio::test]
async fn more_photos_than_a_batch_holds_are_several_batches() {
    let world = World::new().await;
    for (name, colour) in [("p/1.png", 1), ("p/2.png", 2), ("p/3.png", 3)] {
        world.photo(name, colour);
    }
    world.account(10).await;
    world.uploads(3).await;
    let submit = |request: &Request| {
        let images = request.body_json::<Value>().unwrap()["images"]
            .as_array()
            .unwrap()
            .len();
        ResponseTemplate::new(202).set_body_json(json!({
            "batchId": format!("of-{images}"), "imageCount": images, "creditsSpent": 3 * images, "credits": 1,
            "statusUrl": "",
        }))
    };
    World::submit()
        .respond_with(submit)
        .expect(2)
        .mount(&world.server)
        .await;
    let done = |images: &[&str]| ResponseTemplate::new(200).set_body_json(world.status(images, 0));
    world
        .on(status_of("of-2"), done(&["completed", "completed"]), 1)
        .await;
    world.on(status_of("of-1"), done(&["completed"]), 1).await;
    world.results(0, 2).await;
    world.results(1, 1).await;
    let report = world
        .bie(&["edit", "p", "--prompt", "wish", "--json", "--yes"])
        .exits(0)
        .json();
    assert_eq!(report["creditsSpent"], 9);
    assert_eq!(report["batches"].as_array().unwrap().len(), 2);

    // A sheet is drawn over itself, but not over a file of somebody else's.
    world.photo("edited/contact-sheet.png", 9);
    let own = fs::read(world.path("edited/contact-sheet.png")).unwrap();
    for _ in 0..2 {
        let sheet = world
            .bie(&["edit", "p", "--prompt", "wish", "--json", "--contact-sheet"])
            .exits(0)
            .json();
        assert_eq!(sheet["contactSheet"], "edited/contact-sheet-2.png");
    }
    let kept = fs::read(world.path("edited/contact-sheet.png")).unwrap();
    assert!(kept == own);
    assert_eq!(
        files(&world.path("edited")),
        [
            ".bie",
            "1.png",
            "2.png",
            "3.png",
            "contact-sheet-2.png",
            "contact-sheet.png"
        ]
    );
}

#[tokio::test]
async fn a_refusal_is_shown_and_frees_the_key() {
    let world = World::new().await;
    world.photo("a.png", 1);
    world.account(10).await;
    world.uploads(1).await;
    let too_few = json!({
        "type": "about:blank", "title": "Too few credits", "status": 402, "code": "insufficient_credits",
        "detail": "This batch costs more than you have.", "creditsNeeded": 12, "credits": 10,
    });
    world.on(World::submit(), problem(402, &too_few), 2).await;
    let run = world
        .bie(&["edit", "a.png", "--prompt", "wish", "--json"])
        .exits(1);
    let object = run.json();
    assert_eq!(object["error"]["code"], "insufficient_credits");
    assert!(
        run.err().contains(
            "This batch costs more than you have. (insufficient_credits): it costs 12 credits, you have 10: 2 missing"
        ),
        "{}",
        run.err()
    );
    // Again: the upload is kept, the key is new.
    world.bie(&["edit", "a.png", "--prompt", "wish"]).exits(1);
    let submits = world.sent_to("/api/images/generate").await;
    assert_ne!(
        submits[0].headers["idempotency-key"],
        submits[1].headers["idempotency-key"]
    );
    assert_eq!(submits[0].body, submits[1].body);
}

#[tokio::test]
async fn no_room_frees_the_key_and_nobody_buys_more_than_they_name() {
    let world = World::new().await;
    world.photo("p/a.png", 1);
    world.photo("p/b.png", 2);
    world.account(10).await;
    world.uploads(2).await;
    let full = json!({
        "type": "about:blank", "title": "Too much is waiting", "status": 429, "code": "backlog",
        "detail": "Send fewer, or come back later.",
    });
    World::submit()
        .respond_with(problem(429, &full))
        .up_to_n_times(1)
        .mount(&world.server)
        .await;
    let run = world.bie(&["edit", "p", "--prompt", "wish"]).exits(1);
    assert!(
        run.err().contains("nothing was spent on it"),
        "{}",
        run.err()
    );

    // Fewer are sent, as was said: one. This time nobody knows what came of it.
    World::submit()
        .respond_with(ResponseTemplate::new(504))
        .up_to_n_times(2)
        .mount(&world.server)
        .await;
    world.bie(&["edit", "p/a.png", "--prompt", "wish"]).exits(1);
    world.bie(&["edit", "p/a.png", "--prompt", "wish"]).exits(1);
    let submits = world.sent_to("/api/images/generate").await;
    let images = |at: usize| {
        let body: Value = submits[at].body_json().unwrap();
        body["images"].as_array().unwrap().len()
    };
    let key = |at: usize| submits[at].headers["idempotency-key"].clone();
    assert_eq!([images(0), images(1), images(2)], [2, 1, 1]);
    assert!(key(0) != key(1) && key(1) == key(2));
}

#[tokio::test]
async fn photos_of_an_earlier_run_are_not_bought_unasked() {
    let world = World::new().await;
    world.photo("p/a.png", 1);
    world.photo("p/b.png", 2);
    world.account(10).await;
    world.uploads(2).await;
    World::submit()
        .respond_with(ResponseTemplate::new(504))
        .expect(1)
        .mount(&world.server)
        .await;
    world.bie(&["edit", "p", "--prompt", "wish"]).exits(1);
    // Six credits for what was in that submit, and three more for a new photo.
    world.photo("p/c.png", 3);
    for (named, above) in [("p/a.png", "5"), ("p/a.png p/c.png", "8")] {
        let mut line = vec!["edit", "--prompt", "wish", "--json", "--ask-above", above];
        line.extend(named.split(' '));
        let run = world.bie(&line).exits(1);
        let code = &run.json()["error"]["code"];
        assert_eq!(code, "confirmation_needed", "{named}");
        assert!(run.err().contains("1 more photo"), "{}", run.err());
    }
}

#[tokio::test]
async fn nothing_is_sent_when_something_is_wrong_before() {
    let world = World::new().await;
    for (name, colour) in [("1.png", 1), ("2.png", 2), ("3.png", 3), ("4.png", 4)] {
        world.photo(name, colour);
    }
    fs::write(world.path("old.gif"), "GIF89a").unwrap();
    fs::write(world.path("broken.png"), b"\x89PNG\r\n\x1a\nno").unwrap();
    world.account(10).await;
    world.uploads(0).await;
    world
        .on(World::submit(), ResponseTemplate::new(500), 0)
        .await;

    let all = [
        "edit", "1.png", "2.png", "3.png", "4.png", "--prompt", "wish",
    ];
    let poor = world.bie(&all).exits(1);
    assert!(
        poor.err()
            .contains("it costs 12 credits, you have 10: 2 missing"),
        "{}",
        poor.err()
    );
    let unfit = world
        .bie(&["edit", "1.png", "old.gif", "broken.png", "--prompt", "wish"])
        .exits(1);
    assert!(
        unfit.err().contains("old.gif is a GIF: export"),
        "{}",
        unfit.err()
    );
    assert!(
        unfit.err().contains("broken.png looks damaged"),
        "{}",
        unfit.err()
    );
    let dear = world
        .bie(&[
            "edit",
            "1.png",
            "2.png",
            "--prompt",
            "wish",
            "--ask-above",
            "5",
        ])
        .exits(1);
    assert!(
        dear.err().contains("add --yes, or raise --ask-above"),
        "{}",
        dear.err()
    );
    let sized = world
        .bie(&["edit", "1.png", "--prompt", "wish", "--size", "4000x4000"])
        .exits(1);
    assert!(sized.err().contains("no price"), "{}", sized.err());
    let empty = world
        .bie(&["edit", "1.png", "--prompt", " ", "--json"])
        .exits(1);
    assert_eq!(empty.json()["error"]["code"], "bad_prompt");
    let long = world
        .bie(&["edit", "1.png", "--prompt", &"x".repeat(101)])
        .exits(1);
    assert!(
        long.err().contains("101 characters, and 100 is the most"),
        "{}",
        long.err()
    );
    assert!(
        world
            .bie(&["edit", "1.png"])
            .exits(1)
            .err()
            .contains("--prompt")
    );
    assert!(world.bie(&["--help"]).exits(0).out().contains("Exit codes"));
}

#[tokio::test]
async fn signing_up_confirms_and_signs_in() {
    let world = World::new().await;
    world.bie(&["logout"]).exits(0);
    let out = world.bie(&["account"]).exits(1);
    assert!(out.err().contains("bie login"), "{}", out.err());
    let call = |operation: &str| {
        Mock::given(method("POST"))
            .and(path("/"))
            .and(header("content-type", "application/x-amz-json-1.1"))
            .and(header(
                "x-amz-target",
                format!("AWSCognitoIdentityProviderService.{operation}").as_str(),
            ))
    };
    let who = json!({
        "ClientId": "client", "Username": "ada@example.com", "Password": "Secret-123",
        "UserAttributes": [{"Name": "email", "Value": "ada@example.com"}],
    });
    call("SignUp")
        .and(body_partial_json(who))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"UserConfirmed": false})))
        .up_to_n_times(1)
        .mount(&world.server)
        .await;
    let code = json!({"Username": "ada@example.com", "ConfirmationCode": "123456"});
    let confirm = call("ConfirmSignUp").and(body_partial_json(code));
    world
        .on(
            confirm,
            ResponseTemplate::new(200).set_body_json(json!({})),
            1,
        )
        .await;
    let password = json!({
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "ada@example.com", "PASSWORD": "Secret-123"},
    });
    let tokens = json!({"AuthenticationResult": {"IdToken": "id-token", "RefreshToken": "r", "ExpiresIn": 3600}});
    let sign_in = call("InitiateAuth").and(body_partial_json(password));
    sign_in
        .respond_with(ResponseTemplate::new(200).set_body_json(tokens))
        .mount(&world.server)
        .await;
    world.account(10).await;

    let sign_up = [
        "signup",
        "--email",
        "ada@example.com",
        "--password",
        "Secret-123",
        "--code",
        "123456",
    ];
    let made = world.bie(&sign_up).exits(0);
    assert!(
        made.out().contains("signed in at") && made.out().contains("ada@example.com"),
        "{}",
        made.out()
    );
    let shown = world.bie(&["account"]).exits(0);
    assert!(
        shown.out().contains("10 credits") && shown.out().contains("medium"),
        "{}",
        shown.out()
    );

    let exists = json!({"__type": "UsernameExistsException", "message": "User already exists"});
    world
        .on(
            call("SignUp"),
            ResponseTemplate::new(400).set_body_json(exists),
            1,
        )
        .await;
    let twice = world.bie(&sign_up).exits(1);
    assert!(
        twice.err().contains("bie login --email ada@example.com")
            && twice.err().contains("already exists"),
        "{}",
        twice.err()
    );
    assert!(
        world
            .bie(&["login", "--email", "ada@example.com"])
            .exits(1)
            .err()
            .contains("BIE_PASSWORD")
    );
    world
        .bie(&[
            "login",
            "--email",
            "ada@example.com",
            "--password",
            "Secret-123",
        ])
        .exits(0);
}

#[tokio::test]
async fn an_expired_sign_in_is_renewed_silently() {
    let world = World::new().await;
    world.sign_in(1);
    let renew = Mock::given(method("POST"))
        .and(path("/"))
        .and(body_partial_json(json!({
            "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": {"REFRESH_TOKEN": "refresh-token"},
        })));
    let tokens = json!({"AuthenticationResult": {"IdToken": "id-token", "ExpiresIn": 3600}});
    world
        .on(renew, ResponseTemplate::new(200).set_body_json(tokens), 1)
        .await;
    world.account(7).await;
    assert_eq!(
        world.bie(&["account", "--json"]).exits(0).json()["credits"],
        7
    );
    assert_eq!(
        world.bie(&["account", "--json"]).exits(0).json()["credits"],
        7
    );
}

#[tokio::test]
async fn batches_are_looked_at_listed_and_downloaded() {
    let world = World::new().await;
    let status = world.status(&["completed", "failed", "processing"], 1);
    world
        .on(
            status_of(BATCH),
            ResponseTemplate::new(200).set_body_json(&status),
            4,
        )
        .await;
    world.results(0, 1).await;
    let shown = world.bie(&["status", BATCH]).exits(0);
    assert!(
        shown
            .out()
            .contains("failed: image 2: The provider refused this picture. (refunded)"),
        "{}",
        shown.out()
    );
    assert_eq!(
        world.bie(&["status", BATCH, "--json"]).exits(0).json()["batchId"],
        BATCH
    );
    for _ in 0..2 {
        let fetched = world.bie(&["download", BATCH, "--out", "here"]).exits(2);
        assert!(
            fetched
                .out()
                .contains("1 result in here; 1 image not finished yet"),
            "{}",
            fetched.out()
        );
    }
    assert_eq!(files(&world.path("here")), [".bie", "b-1-0001.png"]);
    assert!(
        world
            .bie(&["status", "../account"])
            .exits(1)
            .err()
            .contains("not the id")
    );

    let missing = json!({"type": "x", "title": "Not found", "status": 404, "code": "batch_not_found", "detail": "There is no such batch."});
    world.on(status_of("nope"), problem(404, &missing), 1).await;
    assert!(
        world
            .bie(&["status", "nope"])
            .exits(1)
            .err()
            .contains("There is no such batch. (batch_not_found)")
    );

    let summary = |id: &str| {
        json!({
            "batchId": id, "status": "completed", "prompt": "a\nwish", "counts": status["counts"], "creditsSpent": 6,
            "creditsRefunded": 3, "createdAt": "2026-11-23T00:00:00Z",
        })
    };
    let list = || {
        Mock::given(method("GET"))
            .and(path("/api/batches"))
            .and(header("authorization", "Bearer id-token"))
    };
    let more = json!({"batches": [summary("x")], "nextCursor": "a+/="});
    let first = list()
        .and(query_param("limit", "3"))
        .respond_with(ResponseTemplate::new(200).set_body_json(more));
    first.expect(1).mount(&world.server).await;
    let rest = json!({"batches": [summary("y")]});
    world
        .on(
            list().and(query_param("cursor", "a+/=")),
            ResponseTemplate::new(200).set_body_json(rest),
            1,
        )
        .await;
    let listed = world.bie(&["history", "--limit", "3"]).exits(0).out();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(
        listed.contains("x  completed   1/3 completed  3 credits  a wish"),
        "{listed}"
    );
}

#[tokio::test]
async fn a_cancellation_says_what_came_back() {
    let world = World::new().await;
    let counts = json!({"total": 5, "pending": 0, "processing": 1, "completed": 1, "failed": 0, "canceled": 3});
    let answer = json!({
        "batchId": BATCH, "status": "processing", "counts": counts, "creditsRefunded": 9,
        "statusUrl": "/api/batch/b-1/status",
    });
    let canceling = Mock::given(method("POST")).and(path("/api/batch/b-1/cancel"));
    let answer = ResponseTemplate::new(202).set_body_json(answer);
    world.on(canceling, answer, 2).await;
    let out = world.bie(&["cancel", BATCH]).exits(0).out();
    assert!(out.contains("9 credits refunded"), "{out}");
    assert!(out.contains("1 image on the way still"), "{out}");
    let json = world.bie(&["cancel", BATCH, "--json"]).exits(0).json();
    assert_eq!(json["counts"]["canceled"], 3);
    let wrong = world.bie(&["cancel", "../account"]).exits(1);
    assert!(wrong.err().contains("not the id"));
}

#[tokio::test]
async fn a_retry_shows_its_price_asks_and_fetches_the_new_batch() {
    let world = World::new().await;
    world.account(20).await;
    let mut earlier = world.status(&["completed", "failed", "failed"], 0);
    earlier["batchId"] = json!("b-0");
    let answer = ResponseTemplate::new(200).set_body_json(&earlier);
    world.on(status_of("b-0"), answer, 2).await;
    let done = ResponseTemplate::new(200).set_body_json(world.status(&["completed", "failed"], 0));
    world.on(status_of(BATCH), done, 1).await;
    world.results(0, 1).await;
    let retrying = Mock::given(method("POST")).and(path("/api/batch/b-0/retry"));
    world.on(retrying, World::accepted(2), 1).await;

    let dear = world.bie(&["retry", "b-0", "--ask-above", "5"]).exits(1);
    assert!(dear.err().contains("6 credits"), "{}", dear.err());
    let report = world.bie(&["retry", "b-0", "--ask-above", "5", "--yes", "--json"]);
    let report = report.exits(2).json();
    assert_eq!(report["batchId"], BATCH);
    assert_eq!(report["failed"][0]["index"], 1);
    assert_eq!(files(&world.path("edited")), [".bie", "b-1-0001.png"]);
}

#[tokio::test]
async fn what_was_retried_before_is_followed_without_a_price() {
    let world = World::new().await;
    let mut earlier = world.status(&["failed"], 0);
    earlier["batchId"] = json!("b-0");
    earlier["retriedIn"] = json!(BATCH);
    let answer = ResponseTemplate::new(200).set_body_json(&earlier);
    world.on(status_of("b-0"), answer, 1).await;
    let done = ResponseTemplate::new(200).set_body_json(world.status(&["completed"], 0));
    world.on(status_of(BATCH), done, 1).await;
    world.results(0, 1).await;
    let retrying = Mock::given(method("POST")).and(path("/api/batch/b-0/retry"));
    world.on(retrying, World::accepted(1), 1).await;
    let run = world.bie(&["retry", "b-0", "--out", "here"]).exits(0);
    assert!(run.err().contains("nothing is bought"), "{}", run.err());
    assert!(!run.err().contains("price:"), "{}", run.err());
    assert!(run.out().contains("1 result in here"), "{}", run.out());
}

const PACKS: &str = "/api/billing/packs";
const TRANSACTIONS: &str = "/api/billing/transactions";

fn transaction(id: &str, kind: &str, amount: i64) -> Value {
    json!({"id": id, "kind": kind, "description": format!("about {id}"), "amount": amount, "balanceAfter": 60,
           "owedAfter": 0, "createdAt": "2026-11-23T00:00:00Z"})
}

fn get(at: &str) -> wiremock::MockBuilder {
    Mock::given(method("GET"))
        .and(path(at))
        .and(header("authorization", "Bearer id-token"))
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

#[tokio::test]
async fn a_balance_says_what_is_owed() {
    let world = World::new().await;
    let balance = json!({"credits": 0, "owed": 5});
    world.on(get("/api/billing/balance"), ok(&balance), 2).await;
    let out = world.bie(&["balance"]).exits(0).out();
    assert_eq!(out, "0 credits; 5 owed, which the next ones pay first\n");
    assert_eq!(world.bie(&["balance", "--json"]).exits(0).json(), balance);
}

#[tokio::test]
async fn transactions_are_listed_page_by_page() {
    let world = World::new().await;
    let first = json!({"transactions": [transaction("order#1", "order", 50)], "nextCursor": "1"});
    let more = get(TRANSACTIONS).and(query_param("limit", "2"));
    world.on(more, ok(&first), 1).await;
    let rest = json!({"transactions": [transaction("debit#b", "debit", -5)]});
    let more = get(TRANSACTIONS).and(query_param("cursor", "1"));
    world.on(more, ok(&rest), 1).await;
    let out = world.bie(&["transactions", "--limit", "2"]).exits(0).out();
    let expected = "2026-11-23T00:00:00Z     +50      60  about order#1\n2026-11-23T00:00:00Z      -5      60  about debit#b\n";
    assert_eq!(out, expected);
}

async fn sells(world: &World, expected: u64) {
    let packs = json!({"packs": [{"productId": "p1", "name": "50 credits", "credits": 50, "price": 500, "currency": "usd"}]});
    world.on(get(PACKS), ok(&packs), expected).await;
}

#[tokio::test]
async fn what_is_sold_is_listed() {
    let world = World::new().await;
    sells(&world, 2).await;
    let out = world.bie(&["buy"]).exits(0).out();
    assert!(
        out.starts_with("50 credits             5.00 USD  p1\n"),
        "{out}"
    );
    let wrong = world.bie(&["buy", "500"]).exits(1);
    assert!(wrong.err().contains("there is no pack \"500\""));
}

#[tokio::test]
async fn buying_shows_where_to_pay_and_waits_for_the_credits() {
    let world = World::new().await;
    sells(&world, 1).await;
    let old = transaction("order#1", "order", 50);
    let before = json!({"transactions": [old]});
    let asking = get(TRANSACTIONS).respond_with(ok(&before)).up_to_n_times(1);
    asking.expect(1).mount(&world.server).await;
    let after = json!({"transactions": [transaction("order#2", "order", 50), old]});
    world.on(get(TRANSACTIONS), ok(&after), 1).await;
    let checkout = json!({"checkoutId": "c1", "url": "https://polar.example/c1"});
    let opening = Mock::given(method("POST"))
        .and(path("/api/billing/checkout"))
        .and(body_partial_json(json!({"productId": "p1"})));
    let opened = ResponseTemplate::new(201).set_body_json(&checkout);
    world.on(opening, opened, 1).await;
    let balance = json!({"credits": 60, "owed": 0});
    world.on(get("/api/billing/balance"), ok(&balance), 1).await;
    let run = world.bie(&["buy", "50", "--json"]).exits(0);
    assert!(
        run.err().contains("https://polar.example/c1"),
        "{}",
        run.err()
    );
    let expected = json!({"checkoutId": "c1", "url": "https://polar.example/c1", "arrived": true, "credits": 60, "owed": 0});
    assert_eq!(run.json(), expected);
}

#[tokio::test]
async fn waiting_for_credits_ends() {
    let world = World::new().await;
    sells(&world, 2).await;
    let none = json!({"transactions": []});
    world.on(get(TRANSACTIONS), ok(&none), 3).await;
    let checkout = json!({"checkoutId": "c1", "url": "https://polar.example/c1"});
    let opening = Mock::given(method("POST")).and(path("/api/billing/checkout"));
    let opened = ResponseTemplate::new(201).set_body_json(&checkout);
    world.on(opening, opened, 2).await;
    let balance = json!({"credits": 10, "owed": 0});
    world.on(get("/api/billing/balance"), ok(&balance), 1).await;
    let late = world.bie(&["buy", "50 credits", "--wait", "1"]).exits(1);
    assert!(late.err().contains("is not lost"), "{}", late.err());
    let asked = world.bie(&["buy", "p1", "--wait", "0", "--json"]).exits(0);
    assert_eq!(asked.json()["arrived"], false);
}

#[tokio::test]
async fn an_account_is_deleted_by_who_means_it_and_then_nobody_is_signed_in() {
    let world = World::new().await;
    world.account(7).await;
    let deletion = Mock::given(method("DELETE"))
        .and(path("/api/account"))
        .and(header("authorization", "Bearer id-token"))
        .and(body_partial_json(json!({"confirm": "ada@example.com"})));
    let answer = json!({"deletedAt": "2026-11-23T21:00:00.000Z"});
    let answer = ResponseTemplate::new(202).set_body_json(answer);
    world.on(deletion, answer, 1).await;

    let run = world.bie(&["delete-account"]).exits(1);
    assert!(run.err().contains("nothing was deleted"), "{}", run.err());
    assert!(world.path("config/session.json").exists());
    world.bie(&["delete-account", "--yes"]).exits(0);
    assert!(!world.path("config/session.json").exists());
}

#[tokio::test]
async fn an_account_that_is_deleted_already_is_left_behind() {
    let world = World::new().await;
    let problem = json!({"type": "/problems/account_deleted", "title": "The account is deleted", "status": 410,
                         "code": "account_deleted", "detail": "sign up again"});
    let account = Mock::given(method("GET")).and(path("/api/account"));
    let answer = ResponseTemplate::new(410).set_body_json(problem);
    world.on(account, answer, 1).await;
    world.bie(&["delete-account", "--yes"]).exits(0);
    assert!(!world.path("config/session.json").exists());
}
