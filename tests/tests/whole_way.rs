//! The whole way of a batch, through the public API; and a look at what the provider has received.

use domain::{Format, work_key};
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use stack_tests::{
    PLACE, User, engine::image, inside::Inside, photo, photo_with_place, pixels, stack, unique,
};

#[tokio::test]
async fn photos_go_in_and_edited_photos_come_out() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let account = user.account().await;
    assert_eq!(account.credits, 10);
    assert_eq!(account.limits.max_images_per_batch, 500);
    assert!(
        account
            .prices
            .iter()
            .any(|price| price.quality == "medium" && price.credits == 1)
    );
    assert_eq!(account.auto_pixels, 1536 * 1024);

    let keys = [
        user.photo().await,
        user.upload("image/png", photo(300, 200)).await,
    ];
    let prompt = unique("make it black and white");
    let submitted = user.accepted(&keys, &prompt).await;
    assert_eq!(
        (
            submitted.image_count,
            submitted.credits_spent,
            submitted.credits
        ),
        (2, 2, 8)
    );
    assert_eq!(
        submitted.status_url,
        format!("/api/batch/{}/status", submitted.batch_id)
    );

    let status = user.finished(&submitted.batch_id).await;
    assert_eq!(status.status, "completed");
    assert_eq!((status.counts.total, status.counts.completed), (2, 2));
    assert_eq!((status.credits_spent, status.credits_refunded), (2, 0));
    assert_eq!(status.prompt, prompt);
    assert_eq!(status.options.quality.as_deref(), Some("medium"));
    assert_eq!(status.poll_after_ms, 0);
    for (image, key) in status.images.iter().zip(&keys) {
        assert_eq!(
            (&image.key, image.status.as_str(), image.provider_calls),
            (key, "completed", 1)
        );
        let result = pixels(&user.download(image.result_url.as_deref().unwrap()).await);
        assert!(
            result
                .pixels()
                .all(|pixel| pixel.0[0] == pixel.0[1] && pixel.0[1] == pixel.0[2])
        );
        assert!(result.width() >= 1024);
    }
    assert_eq!(user.account().await.credits, 8);
    assert_eq!(stack.provider_calls(&prompt).await.len(), 2);
}

#[tokio::test]
async fn an_images_own_prompt_and_the_options_reach_the_provider() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let own = unique("sepia");
    let body = json!({
        "images": [{ "key": user.photo().await, "prompt": own }],
        "options": { "quality": "high", "size": "1536x1024", "format": "jpeg" },
    });
    let submitted: api::SubmitResponse = user.submit(&unique("key"), &body).await.expect(202);
    assert_eq!((submitted.credits_spent, submitted.credits), (4, 6));
    let status = user.finished(&submitted.batch_id).await;
    let result = user
        .download(status.images[0].result_url.as_deref().unwrap())
        .await;
    assert!(result.starts_with(b"\xff\xd8\xff"), "a JPEG was asked for");
    assert_eq!(pixels(&result).dimensions(), (1536, 1024));
    let calls = stack.provider_calls(&own).await;
    assert_eq!(
        (calls.len(), calls[0]["quality"].as_str()),
        (1, Some("high"))
    );
}

#[tokio::test]
async fn the_provider_gets_a_photo_upright_and_without_what_the_camera_noted() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let id = user.account().await.user_id.parse().unwrap();
    let photos = Inside::deployed(&stack).photos;
    // Held upright, and turned to the right so that the file is higher than the picture.
    let (upright, turned) = (1, 6);
    let cases = [
        (
            Format::Jpeg,
            upright,
            photo_with_place(Format::Jpeg, 96, 64, upright),
        ),
        (
            Format::Jpeg,
            turned,
            photo_with_place(Format::Jpeg, 64, 96, turned),
        ),
        (
            Format::Png,
            turned,
            photo_with_place(Format::Png, 64, 96, turned),
        ),
        (
            Format::Webp,
            upright,
            photo_with_place(Format::Webp, 96, 64, upright),
        ),
    ];
    let contains =
        |file: &[u8], text: &str| file.windows(text.len()).any(|at| at == text.as_bytes());
    let (mut images, mut prompts) = (Vec::new(), Vec::new());
    for (format, _, file) in &cases {
        assert!(contains(file, PLACE));
        let key = user.upload(format.media_type(), file.clone()).await;
        let prompt = unique("frame");
        images.push(json!({ "key": key, "prompt": prompt }));
        prompts.push(prompt);
    }
    let body = json!({ "images": images });
    let batch: api::SubmitResponse = user.submit(&unique("key"), &body).await.expect(202);
    let status = user.finished(&batch.batch_id).await;
    assert_eq!(status.counts.completed, 4, "{:?}", status.images);

    for (index, (format, orientation, _)) in (0..).zip(cases) {
        let about = format!("{format:?} {orientation}");
        let key = work_key(&id, image(&batch.batch_id, index), format);
        let prepared = photos.get(&key).await.unwrap();
        // What lies there is, byte for byte, what the provider has received.
        let hash = hex::encode(Sha256::digest(&prepared));
        let calls = stack.provider_calls(&prompts[index as usize]).await;
        let received: Vec<_> = calls.iter().map(|call| &call["imageSha256"]).collect();
        assert_eq!(received, [&json!(hash)], "{about}");

        for note in [PLACE, "Exif", "eXIf", "EXIF"] {
            assert!(!contains(&prepared, note), "{about}: {note}");
        }
        let seen = pixels(&prepared);
        assert_eq!(seen.dimensions(), (96, 64), "{about}");
        // Red grows to the right and green to the bottom, before the camera turns.
        let [red, green, _] = seen.get_pixel(90, 4).0;
        let expected = if orientation == turned {
            [0, 0]
        } else {
            [239, 16]
        };
        for (channel, expected) in [red, green].into_iter().zip(expected) {
            assert!(channel.abs_diff(expected) < 25, "{about}: {red} {green}");
        }
    }
}

#[tokio::test]
async fn a_status_that_has_not_changed_is_not_sent_again() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let batch = user
        .accepted(&[user.photo().await], "invert")
        .await
        .batch_id;
    user.finished(&batch).await;
    let path = format!("/api/batch/{batch}/status");
    let first = user.get(&path).await;
    let tag = first.headers["etag"].clone();
    let again = user
        .request(Method::GET, &path)
        .header("if-none-match", &tag);
    let again = user.send(again).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.headers["etag"], tag);
    let stale = user
        .request(Method::GET, &path)
        .header("if-none-match", "\"stale\"");
    assert_eq!(user.send(stale).await.status, 200);
}

#[tokio::test]
async fn history_lists_batches_newest_first_page_by_page() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let mut batches = Vec::new();
    for prompt in ["first", "second", "third"] {
        batches.push(user.accepted(&[user.photo().await], prompt).await.batch_id);
    }
    for batch in &batches {
        user.finished(batch).await;
    }
    batches.reverse();
    let mut listed = Vec::new();
    let mut path = "/api/batches?limit=2".to_owned();
    loop {
        let page: api::BatchHistory = user.get(&path).await.expect(200);
        assert!(page.batches.len() <= 2);
        listed.extend(page.batches);
        match page.next_cursor {
            Some(cursor) => path = format!("/api/batches?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let ids: Vec<_> = listed.iter().map(|batch| batch.batch_id.clone()).collect();
    assert_eq!(ids, batches);
    assert!(
        listed
            .iter()
            .all(|batch| batch.status == "completed" && batch.counts.completed == 1)
    );
    assert_eq!(listed[0].prompt, "third");

    // A cursor of somebody else's leads into one's own history only.
    let other = User::new(&stack).await;
    let first: api::BatchHistory = user.get("/api/batches?limit=1").await.expect(200);
    let stolen = format!("/api/batches?cursor={}", first.next_cursor.unwrap());
    let nothing: api::BatchHistory = other.get(&stolen).await.expect(200);
    assert_eq!(nothing.batches, []);
    user.get("/api/batches?limit=0")
        .await
        .problem(400, "invalid_request");
}

#[tokio::test]
async fn a_large_batch_is_one_transaction() {
    let stack = stack!();
    let user = User::new(&stack).await;
    // Ten credits do not pay for five hundred images: the answer says so, and it took the whole check to get there.
    let images: Vec<_> = std::iter::repeat_n(json!({ "key": user.photo().await }), 500).collect();
    let body = json!({ "images": images, "prompt": "blur" });
    let problem = user
        .submit(&unique("key"), &body)
        .await
        .problem(402, "insufficient_credits");
    assert_eq!(
        (problem.credits_needed, problem.credits),
        (Some(500), Some(10))
    );
    let images: Vec<_> = std::iter::repeat_n(json!({ "key": "x" }), 501).collect();
    let body = json!({ "images": images, "prompt": "blur" });
    user.submit(&unique("key"), &body)
        .await
        .problem(400, "invalid_request");
}

#[tokio::test]
async fn a_photo_goes_to_the_provider_as_what_it_is() {
    let stack = stack!();
    let user = User::new(&stack).await;
    // Many programs believe a file's name.
    let png = user.upload("image/jpeg", photo(96, 64)).await;
    let batch = user.accepted(&[png], "sepia").await.batch_id;
    let status = user.finished(&batch).await;
    assert_eq!(status.counts.completed, 1, "{status:?}");
}
