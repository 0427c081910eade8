//! What an audit may find wrong: each kind with a code that stays, and the rule that it breaks.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::record::Record;

/// A rule of ARCHITECTURE.md, "What never happens".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Rule {
    /// A balance is never negative, and never differs from the sum of its entries.
    R1,
    /// Credits do not leak from a batch.
    R2,
    /// No image stays open.
    R3,
    /// Nothing happens twice because it was said twice.
    R4,
    /// A result is never lost, and no call to the provider goes uncounted.
    R5,
}

/// Writes the table of codes once: the variant, what it is called, the rule that it belongs to.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal, $rule:ident;)+) => {
        /// A kind of violation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)+
        }

        impl Code {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name, which stays.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The rule that is broken.
            #[must_use]
            pub const fn rule(self) -> Rule {
                match self { $(Self::$variant => Rule::$rule,)+ }
            }
        }
    };
}

codes! {
    /// A record of the ledger is not what is written there.
    LedgerUnreadable => "ledger_unreadable", R1;
    /// There are entries, but no account.
    AccountMissing => "account_missing", R1;
    /// Less than nothing can be spent.
    BalanceNegative => "balance_negative", R1;
    /// Less than nothing is owed.
    OwedNegative => "owed_negative", R1;
    /// Something can be spent while something is owed, which is paid first.
    BalanceBesideDebt => "balance_beside_debt", R1;
    /// An entry's name is not that of its kind and batch or order, so it would not keep out its own repeat.
    EntryMisnamed => "entry_misnamed", R1;
    /// The numbers of the entries have a gap, or one twice.
    SequenceBroken => "sequence_broken", R1;
    /// The account counts other than as many entries as there are.
    EntryCountWrong => "entry_count_wrong", R1;
    /// An entry's balance or debt does not follow from the one before.
    EntryDoesNotFollow => "entry_does_not_follow", R1;
    /// The balance is not the sum of the entries.
    BalanceIsNotTheSum => "balance_is_not_the_sum", R1;
    /// The debt is not that of the last entry.
    OwedIsNotTheLast => "owed_is_not_the_last", R1;
    /// Somebody was welcomed, but no address is marked as used for it.
    WelcomeWithoutFingerprint => "welcome_without_fingerprint", R1;
    /// An address is marked as used for somebody who was not welcomed.
    FingerprintWithoutWelcome => "fingerprint_without_welcome", R1;
    /// Two addresses are marked as used for one welcome.
    FingerprintTwice => "fingerprint_twice", R1;

    /// A batch was accepted without being paid for.
    DebitMissing => "debit_missing", R2;
    /// A batch was debited other than the price of its images.
    DebitWrong => "debit_wrong", R2;
    /// A failed or canceled image was not refunded.
    RefundMissing => "refund_missing", R2;
    /// An image was refunded other than its price.
    RefundWrong => "refund_wrong", R2;
    /// An image was refunded though it has a result.
    RefundOfCompleted => "refund_of_completed", R2;
    /// An image was refunded though it is open.
    RefundOfOpen => "refund_of_open", R2;
    /// A refund names an image that its batch does not have.
    RefundOfNoImage => "refund_of_no_image", R2;
    /// An entry names a batch that there is not.
    EntryOfNoBatch => "entry_of_no_batch", R2;
    /// An entry about a batch is in the ledger of somebody else.
    EntryOfAnotherUser => "entry_of_another_user", R2;

    /// A record of a batch is not what is written there.
    BatchUnreadable => "batch_unreadable", R3;
    /// There are records of a batch, but not its own.
    MetaMissing => "meta_missing", R3;
    /// The manifest does not name every image, or has no prompt.
    ManifestIncomplete => "manifest_incomplete", R3;
    /// An image has a place that its batch does not have.
    ImageBeyondTotal => "image_beyond_total", R3;
    /// The batch counts its images' ends other than the images say.
    CountsDiffer => "counts_differ", R3;
    /// The batch counts other than the rest of its images as open.
    OpenWrong => "open_wrong", R3;
    /// The batch has an end though images are open, or none though all are settled.
    FinishWrong => "finish_wrong", R3;
    /// The batch is in the index of open ones though it is over, or not though it is open: nobody would look after it.
    OpenIndexWrong => "open_index_wrong", R3;
    /// An image has an end though it is open, or none though it is settled.
    ImageFinishWrong => "image_finish_wrong", R3;
    /// Images are open long after the deadline of their batch.
    Overdue => "overdue", R3;
    /// Images are open though everything is said to be at rest.
    OpenAtRest => "open_at_rest", R3;
    /// An execution runs though everything is said to be at rest.
    RunningAtRest => "running_at_rest", R3;

    /// Credits were granted for an order, but no entry gave them.
    OrderWithoutEntry => "order_without_entry", R4;
    /// An entry is about an order that has no record, which would keep out its repeat.
    EntryOfNoOrder => "entry_of_no_order", R4;
    /// An entry about an order says other than what it gave or took.
    OrderEntryWrong => "order_entry_wrong", R4;
    /// An order's record and its entry say different grants.
    OrderGrantDiffers => "order_grant_differs", R4;
    /// More was taken back of an order than was granted for it.
    OrderTakenBackTooMuch => "order_taken_back_too_much", R4;
    /// What was taken back by an order's record is not the sum of the entries.
    OrderTakenBackDiffers => "order_taken_back_differs", R4;
    /// What was taken back of an order is not the refund's part of it.
    OrderPartWrong => "order_part_wrong", R4;

    /// The provider was asked again after two calls whose outcome is unknown.
    TooManyUnknownOutcomes => "too_many_unknown_outcomes", R5;
    /// A completed image does not say where its result is.
    CompletedWithoutResult => "completed_without_result", R5;
    /// A completed image says why it failed.
    CompletedWithFailure => "completed_with_failure", R5;
    /// An image that is not completed names a result.
    ResultWithoutCompletion => "result_without_completion", R5;
    /// There is no picture where a completed image's result should be.
    ResultMissing => "result_missing", R5;
    /// There is a result of an image that failed or was canceled.
    ResultNotDelivered => "result_not_delivered", R5;
    /// The provider has seen more calls than were counted.
    CallsUncounted => "calls_uncounted", R5;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a violation is about. As text: what is wrong may be that an id is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ids {
    /// Whose account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Which batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Which of its images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<u32>,
    /// Which order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

impl Ids {
    /// About an account.
    #[must_use]
    pub fn user(user: &(impl ToString + ?Sized)) -> Self {
        Self {
            user: Some(user.to_string()),
            ..Self::default()
        }
    }

    /// About a batch.
    #[must_use]
    pub fn batch(batch: &(impl ToString + ?Sized)) -> Self {
        Self {
            batch: Some(batch.to_string()),
            ..Self::default()
        }
    }

    /// About one order of theirs.
    #[must_use]
    pub fn order(self, order: &(impl ToString + ?Sized)) -> Self {
        Self {
            order: Some(order.to_string()),
            ..self
        }
    }

    /// About one image of it.
    #[must_use]
    pub fn image(self, image: u32) -> Self {
        Self {
            image: Some(image),
            ..self
        }
    }
}

impl fmt::Display for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.user.as_ref().map(|user| format!("user {user}"));
        let batch = self.batch.as_ref().map(|batch| format!("batch {batch}"));
        let image = self.image.map(|image| format!("image {image}"));
        let order = self.order.as_ref().map(|order| format!("order {order}"));
        let all: Vec<_> = [user, batch, image, order].into_iter().flatten().collect();
        f.write_str(&all.join(", "))
    }
}

/// One thing that is wrong, with what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The rule that is broken.
    pub rule: Rule,
    /// How.
    pub code: Code,
    /// Of what.
    #[serde(flatten)]
    pub ids: Ids,
    /// In a sentence.
    pub detail: String,
    /// The records that show it, without what people wrote.
    pub records: Vec<Value>,
}

impl Violation {
    /// This is wrong, and these records show it.
    pub fn new<'a>(
        code: Code,
        ids: Ids,
        detail: impl Into<String>,
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Self {
        Self {
            rule: code.rule(),
            code,
            ids,
            detail: detail.into(),
            records: records.into_iter().map(Record::evidence).collect(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} {} ({}): {}",
            self.rule, self.code, self.ids, self.detail
        )?;
        self.records
            .iter()
            .try_for_each(|record| write!(f, "\n    {record}"))
    }
}
