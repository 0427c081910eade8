//! Orders that cannot be applied: they end among the dead letters, and apply once somebody has put right what was in the way.
//! A binary of its own, because it makes the queue impatient and empties that of the dead letters.

use operator::ops::letters;
use stack_tests::{
    engine::Engine,
    inside::Inside,
    orders::{Bought, PRODUCTS},
    stack, unique, wait_for,
};

/// Seconds until a delivery comes again; as many times as the template says.
const IMPATIENT: u32 = 1;
/// As in the template.
const PATIENT: u32 = 180;

#[tokio::test]
async fn what_was_paid_for_and_cannot_be_applied_is_never_lost() {
    let stack = stack!();
    let (engine, inside) = (Engine::of(&stack).await, Inside::deployed(&stack));
    let tools = inside.tools(&stack);
    let (product, credits, price) = PRODUCTS[0];
    // One who has no account yet, and a product that no pack is of.
    let late = Bought::new(&unique("late").parse().unwrap(), product, price);
    let rich = inside.user(0).await;
    let unknown = Bought::new(&rich, "00000000-0000-4000-8000-000000000007", price);

    engine
        .set_patience(&stack, "CreditQueueUrl", IMPATIENT)
        .await;
    for body in [late.told(None), unknown.told(None), "{}".to_owned()] {
        engine.put_letter(&stack, "CreditQueueUrl", &body).await;
    }
    let dead = |order: &Bought| letters::About::Order(order.id.to_string());
    let all_dead = async || {
        let listed = letters::list(&tools).await.unwrap().0;
        let about: Vec<_> = listed.into_iter().map(|letter| letter.about).collect();
        let expected = [dead(&late), dead(&unknown), letters::About::Unknown];
        expected.iter().all(|it| about.contains(it)).then_some(())
    };
    wait_for("the dead letters", all_dead).await;
    assert_eq!(inside.balance(&rich).await, 0);

    inside.open_account(&late.user, 10).await;
    let redriven = letters::redrive(&tools).await.unwrap();
    assert!(redriven.orders >= 3, "{redriven}");
    wait_for("the credits", async || {
        (inside.balance(&late.user).await == 10 + credits).then_some(())
    })
    .await;
    // Nobody has put right the others: they are back.
    wait_for("the other dead letters", async || {
        let listed = letters::list(&tools).await.unwrap().0;
        let about: Vec<_> = listed.into_iter().map(|letter| letter.about).collect();
        assert!(!about.contains(&dead(&late)), "{about:?}");
        let expected = [dead(&unknown), letters::About::Unknown];
        expected.iter().all(|it| about.contains(it)).then_some(())
    })
    .await;
    // Polar has given the money back: nothing is to come of that one.
    let listed = letters::list(&tools).await.unwrap().0;
    let letter = listed
        .into_iter()
        .find(|letter| letter.about == dead(&unknown))
        .unwrap();
    let letters::Deleted(deleted) = letters::delete(&tools, &letter.message_id).await.unwrap();
    assert_eq!(deleted.about, dead(&unknown));
    let again = letters::delete(&tools, &letter.message_id).await;
    assert!(again.is_err(), "{again:?}");
    let left: Vec<_> = letters::list(&tools).await.unwrap().0;
    assert!(left.iter().any(|it| it.about == letters::About::Unknown));
    assert!(left.iter().all(|it| it.about != dead(&unknown)));
    engine.set_patience(&stack, "CreditQueueUrl", PATIENT).await;
    engine.purge(&stack, "CreditFailureQueueUrl").await;
}
