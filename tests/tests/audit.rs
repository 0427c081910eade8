//! The audit over tables that are in use: what is sound stays unsuspected beside traffic, what is corrupted is found.

use domain::{Failure, Outcome, UserId};
use operator::audit::{Code, Options, audit};
use serde_json::{Value, json};
use stack_tests::{User, inside::Inside, stack};

/// Sets a number in a record, as nothing but a fault would.
#[expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]
async fn corrupt(stack: &stack_tests::Stack, table: &str, pk: &str, sk: &str, name: &str) {
    let update = json!({
        "TableName": table,
        "Key": { "pk": { "S": pk }, "sk": { "S": sk } },
        "UpdateExpression": "SET #name = :value",
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeNames": { "#name": name },
        "ExpressionAttributeValues": { ":value": { "N": "77" } },
    });
    let answer = reqwest::Client::new()
        .post(&stack.aws_endpoint)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.UpdateItem")
        .body(update.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn what_goes_on_meanwhile_looks_like_no_fault() {
    let stack = stack!();
    let tools = Inside::deployed(&stack).tools(&stack);
    let user = User::new(&stack).await;
    let photo = user.photo().await;
    let work = async {
        for _ in 0..5 {
            let batch = user.accepted(std::slice::from_ref(&photo), "blur").await;
            user.finished(&batch.batch_id).await;
        }
    };
    let look = async {
        for _ in 0..3 {
            let report = audit(&tools, &Options::default()).await.unwrap();
            assert!(report.is_sound(), "{report}");
        }
    };
    tokio::join!(work, look);
    let report = audit(&tools, &Options::default()).await.unwrap();
    assert!(report.is_sound() && report.batches >= 5, "{report}");
}

#[tokio::test]
async fn what_is_corrupted_is_found_and_nothing_else() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let tools = inside.tools(&stack);
    let (rich, poor): (UserId, UserId) = (inside.user(5).await, inside.user(5).await);
    let (batch, other) = (
        inside.batch(&rich, 3).await.batch_id,
        inside.batch(&poor, 2).await.batch_id,
    );
    let failed = || Outcome::Failed(Failure::new("test", "It was a test."));
    let outcomes = vec![(0, failed()), (1, failed())];
    inside.settler.settle(batch, outcomes).await.unwrap();
    let report = audit(&tools, &Options::default()).await.unwrap();
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.accounts, report.batches), (2, 2));

    let (credits, batches) = (&inside.credits_table, &inside.batches_table);
    corrupt(
        &stack,
        credits,
        &format!("USER#{poor}"),
        "ACCOUNT",
        "balance",
    )
    .await;
    let pk = format!("BATCH#{batch}");
    corrupt(&stack, batches, &pk, "META", "completed").await;
    corrupt(&stack, batches, &pk, "IMAGE#00001", "unknown_outcomes").await;
    let report = audit(&tools, &Options::default()).await.unwrap();
    let found: Vec<_> = report.violations.iter().map(|it| it.code).collect();
    let expected = [
        Code::BalanceIsNotTheSum,
        Code::CountsDiffer,
        Code::TooManyUnknownOutcomes,
    ];
    assert_eq!(found, expected, "{report}");
    assert_eq!(report.violations[0].ids.user, Some(poor.to_string()));
    assert_eq!(report.violations[1].ids.batch, Some(batch.to_string()));
    assert_eq!(report.violations[2].ids.image, Some(1));

    // Nothing goes on in these tables, and both batches have open images.
    let at_rest = Options {
        at_rest: true,
        ..Options::default()
    };
    let report = json!(audit(&tools, &at_rest).await.unwrap());
    let open: Vec<&Value> = report["violations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["code"] == "open_at_rest")
        .map(|it| &it["batch"])
        .collect();
    assert_eq!(open.len(), 2, "{report}");
    assert!(open.contains(&&json!(other)));
}
