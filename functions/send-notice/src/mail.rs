//! What the mails say. Each is written once, as a few blocks, and rendered as plain text and as HTML: the two never
//! differ. What users have typed (prompts, names of photos) goes through the one function that escapes.

use aws::BatchInFull;
use domain::{Batch, BatchState, Credits, ImageState, OrderId, Quoted, counted};

/// How many photos are named beside one reason.
const NAMED: usize = 10;

const FOOTER: &str = "You get this because you have an account with Batch Image Edit. You can turn these mails off in \
                      your account's settings.";

/// A mail, but for who sends it to whom.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    blocks: Vec<Block>,
}

#[derive(Debug)]
enum Block {
    Paragraph(String),
    List(Vec<String>),
    Link { words: &'static str, url: String },
}

/// A batch is over.
pub(crate) fn batch_is_over(found: &BatchInFull, origin: &str) -> Letter {
    let batch = &found.batch;
    let counts = batch.final_counts();
    let photos = counted(counts.total.into(), "photo");
    let subject = match counts.state(batch.cancel_requested) {
        BatchState::Completed if counts.completed == counts.total => {
            format!("Done: {photos} edited")
        }
        BatchState::Completed => format!("Done: {} of {photos} edited", counts.completed),
        BatchState::Canceled => format!("Canceled: none of {photos} edited"),
        _ => format!("Failed: none of {photos} could be edited"),
    };
    let mut blocks = vec![
        Block::Paragraph(format!(
            "Your batch{} is over: {}.",
            Quoted(&batch.prompt_excerpt),
            outcome(batch)
        )),
        Block::Paragraph(cost(batch)),
    ];
    let failures = failures(found);
    if !failures.is_empty() {
        blocks.push(Block::Paragraph("What went wrong:".to_owned()));
        blocks.push(Block::List(failures));
    }
    blocks.push(Block::Link {
        words: "See your batch",
        url: format!("{origin}/batches/{}", batch.batch_id),
    });
    Letter { subject, blocks }
}

/// A pack was bought.
pub(crate) fn receipt(
    order_id: &OrderId,
    credits: Credits,
    repaid: Credits,
    balance_after: Credits,
    origin: &str,
) -> Letter {
    let credits = counted(credits.get(), "credit");
    let mut bought = format!("Thank you for buying {credits}.");
    if !repaid.is_zero() {
        let repaid = counted(repaid.get(), "credit");
        bought = format!(
            "{bought} {repaid} of them paid what was owed for a purchase that was refunded."
        );
    }
    let balance = counted(balance_after.get(), "credit");
    Letter {
        subject: format!("Your purchase: {credits}"),
        blocks: vec![
            Block::Paragraph(bought),
            Block::Paragraph(format!(
                "That made your balance {balance}. The order is {order_id}; its invoice comes from Polar, who sold it."
            )),
            Block::Link {
                words: "See your credits",
                url: format!("{origin}/credits"),
            },
        ],
    }
}

/// Not much is left.
pub(crate) fn low_balance(balance: Credits, origin: &str) -> Letter {
    let left = counted(balance.get(), "credit");
    Letter {
        subject: format!("You have {left} left"),
        blocks: vec![
            Block::Paragraph(format!(
                "Your last batch has left you {left}. A batch is only accepted when your credits cover all of it, so you \
                 may want to buy some before the next."
            )),
            Block::Link {
                words: "Buy credits",
                url: format!("{origin}/credits"),
            },
        ],
    }
}

/// `2 photos were edited, 1 failed`
fn outcome(batch: &Batch) -> String {
    let were = if batch.completed == 1 { "was" } else { "were" };
    let photos = counted(batch.completed.into(), "photo");
    let others = [(batch.failed, "failed"), (batch.canceled, "canceled")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!(", {number} {what}"));
    format!("{photos} {were} edited{}", others.collect::<String>())
}

/// What it cost in the end. A price out of range was never debited.
fn cost(batch: &Batch) -> String {
    let spent = batch.credits_spent().unwrap_or_default();
    let refunded = batch.credits_refunded().unwrap_or_default();
    let paid = counted(spent.minus(refunded).unwrap_or_default().get(), "credit");
    if refunded.is_zero() {
        return format!("It cost {paid}.");
    }
    let (spent, refunded) = (
        counted(spent.get(), "credit"),
        counted(refunded.get(), "credit"),
    );
    format!("It cost {paid}: of the {spent} that you paid, you got {refunded} back.")
}

/// Each reason once, with the photos that it is about, in the order of the photos.
fn failures(found: &BatchInFull) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for (&index, image) in &found.images {
        let Some(failure) = image.failure.as_ref() else {
            continue;
        };
        if image.state != ImageState::Failed {
            continue;
        }
        let job = usize::try_from(index)
            .ok()
            .and_then(|at| found.jobs.get(at));
        let name = job.and_then(|job| job.name.clone());
        let photo = name.unwrap_or_else(|| format!("photo {}", u64::from(index) + 1));
        match reasons.iter_mut().find(|(why, _)| *why == failure.message) {
            Some((_, photos)) => photos.push(photo),
            None => reasons.push((&failure.message, vec![photo])),
        }
    }
    reasons
        .into_iter()
        .map(|(why, photos)| format!("{}: {why}", some_of(&photos)))
        .collect()
}

/// `a`, `a, b`, or the first few and how many more.
fn some_of(photos: &[String]) -> String {
    match photos.split_at_checked(NAMED) {
        Some((named, more)) if !more.is_empty() => {
            format!("{} and {} more", named.join(", "), more.len())
        }
        _ => photos.join(", "),
    }
}

impl Letter {
    /// For those who read plain text.
    pub(crate) fn text(&self) -> String {
        let blocks: Vec<_> = self.blocks.iter().map(Block::text).collect();
        format!("{}\n\n-- \n{FOOTER}\n", blocks.join("\n\n"))
    }

    /// For all others.
    pub(crate) fn html(&self) -> String {
        let blocks: Vec<_> = self.blocks.iter().map(Block::html).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<body style=\"font-family: sans-serif\">\n{}\n\
             <p><small>{}</small></p>\n</body>\n</html>\n",
            blocks.join("\n"),
            escape(FOOTER)
        )
    }
}

impl Block {
    fn text(&self) -> String {
        match self {
            Self::Paragraph(words) => words.clone(),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(|item| format!("- {item}")).collect();
                items.join("\n")
            }
            Self::Link { words, url } => format!("{words}: {url}"),
        }
    }

    fn html(&self) -> String {
        match self {
            Self::Paragraph(words) => format!("<p>{}</p>", escape(words)),
            Self::List(items) => {
                let items = items
                    .iter()
                    .map(|item| format!("<li>{}</li>", escape(item)));
                format!("<ul>{}</ul>", items.collect::<String>())
            }
            Self::Link { words, url } => {
                format!("<p><a href=\"{}\">{}</a></p>", escape(url), escape(words))
            }
        }
    }
}

/// Text as HTML shows it, in an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html += "&amp;",
            '<' => html += "&lt;",
            '>' => html += "&gt;",
            '"' => html += "&quot;",
            '\'' => html += "&#39;",
            _ => html.push(c),
        }
    }
    html
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use domain::{
        Draft, DraftImage, Failure, Image, Limits, Timestamp, UserId, timing::TimeLimits,
    };

    use super::*;

    const SUBMITTED: Timestamp = Timestamp::from_millis(1_790_000_000_000 - 60_000);

    /// A batch that is over, at 2 credits a photo: so many photos were edited, and then these failed, each for this reason.
    pub(crate) fn finished(completed: u32, failed: &[&str]) -> BatchInFull {
        let user: UserId = "anna".parse().unwrap();
        let count = completed + u32::try_from(failed.len()).unwrap();
        let image = |index| DraftImage {
            key: "uploads/anna/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg".into(),
            name: (index % 2 == 1).then(|| format!("<{index}>.jpg")),
            prompt: None,
        };
        let draft = Draft {
            images: (0..count).map(image).collect(),
            prompt: "<script>alert('1')</script> &\n\"blue\"".into(),
            ..Draft::default()
        };
        let submission = draft.check(&user, &Limits::default()).unwrap();
        let times = TimeLimits::default();
        let id = "9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f".parse().unwrap();
        let price = Credits::small(2);
        let failures = failed.iter().map(|&why| Image {
            state: ImageState::Failed,
            failure: Some(Failure::new(why, &format!("because of {why}."))),
            ..Image::default()
        });
        BatchInFull {
            batch: Batch {
                open: 0,
                completed,
                failed: count - completed,
                finished_at: Some(Timestamp::from_millis(1_790_000_000_000)),
                ..Batch::new(id, user, &submission, price, SUBMITTED, SUBMITTED, &times)
            },
            prompt: submission.prompt,
            jobs: submission.jobs,
            images: (completed..).zip(failures).collect::<BTreeMap<_, _>>(),
        }
    }

    #[test]
    fn a_batch_is_told_in_words() {
        let letter = batch_is_over(&finished(2, &["a", "b", "a"]), "https://x.example");
        assert_eq!(letter.subject, "Done: 2 of 5 photos edited");
        let expected = "\
Your batch “<script>alert('1')</script> & \"blue\"” is over: 2 photos were edited, 3 failed.

It cost 4 credits: of the 10 credits that you paid, you got 6 credits back.

What went wrong:

- photo 3, photo 5: because of a.
- <3>.jpg: because of b.

See your batch: https://x.example/batches/9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f

-- 
You get this because you have an account with Batch Image Edit. You can turn these mails off in your account's settings.
";
        assert_eq!(letter.text(), expected);
    }

    #[test]
    fn nothing_that_was_typed_is_markup() {
        let html = batch_is_over(&finished(2, &["a", "<b>"]), "https://x.example").html();
        assert!(
            html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;blue&quot;")
        );
        assert!(
            html.contains("<li>&lt;3&gt;.jpg: because of &lt;b&gt;.</li>"),
            "{html}"
        );
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("<3>"));
        assert!(html.contains(
            r#"<a href="https://x.example/batches/9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f">See your batch</a>"#
        ));
    }

    #[test]
    fn subjects_say_how_it_went() {
        for (completed, failed, canceled, subject) in [
            (1, 0, 0, "Done: 1 photo edited"),
            (3, 0, 0, "Done: 3 photos edited"),
            (1, 0, 2, "Done: 1 of 3 photos edited"),
            (0, 2, 0, "Failed: none of 2 photos could be edited"),
            (0, 1, 1, "Canceled: none of 2 photos edited"),
        ] {
            let mut found = finished(completed, &vec!["a"; failed]);
            found.batch.canceled = canceled;
            found.batch.total += canceled;
            found.batch.cancel_requested = canceled > 0;
            assert_eq!(batch_is_over(&found, "").subject, subject);
        }
    }

    #[test]
    fn many_photos_are_a_few_and_how_many_more() {
        let photos: Vec<_> = (1..=12).map(|n| n.to_string()).collect();
        assert_eq!(some_of(&photos[..1]), "1");
        assert_eq!(some_of(&photos[..10]), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10");
        assert_eq!(some_of(&photos), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more");
    }

    #[test]
    fn money_is_told_in_words() {
        let order = "4f2d8c1a-7b3e-4a5f-9c6d-0e1f2a3b4c5d".parse().unwrap();
        let [fifty, three, none] = [50, 3, 0].map(Credits::small);
        let plain = receipt(&order, fifty, none, fifty, "https://x.example");
        assert_eq!(plain.subject, "Your purchase: 50 credits");
        assert!(!plain.text().contains("owed"));
        let debt = receipt(&order, fifty, three, fifty, "https://x.example").text();
        assert!(
            debt.contains("3 credits of them paid what was owed"),
            "{debt}"
        );
        assert!(debt.contains("The order is 4f2d8c1a-7b3e-4a5f-9c6d-0e1f2a3b4c5d"));
        let low = low_balance(Credits::small(1), "https://x.example");
        assert_eq!(low.subject, "You have 1 credit left");
        assert!(
            low.text()
                .contains("Buy credits: https://x.example/credits")
        );
    }
}
