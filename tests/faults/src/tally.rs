//! What was done, by name; and which batches and images there are, for those who meddle with them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::Work;

/// Counts and works, shared by everybody who is at it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Mutex<BTreeMap<String, u64>>,
    works: Mutex<Vec<Work>>,
}

impl Tally {
    /// One more of these.
    pub(crate) fn count(&self, what: &str) {
        self.add(what, 1);
    }

    /// So many more of these.
    pub(crate) fn add(&self, what: &str, more: u64) {
        *locked(&self.counts).entry(what.to_owned()).or_default() += more;
    }

    /// How many there are of those whose name begins like this.
    pub(crate) fn sum(&self, beginning: &str) -> u64 {
        let counts = locked(&self.counts);
        let those = counts
            .iter()
            .filter(|(what, _)| what.starts_with(beginning));
        those.map(|(_, number)| number).sum()
    }

    /// Everything that was counted.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        locked(&self.counts).clone()
    }

    /// Images that were accepted.
    pub(crate) fn accepted(&self, works: impl IntoIterator<Item = Work>) {
        locked(&self.works).extend(works);
    }

    /// One of the images that were accepted, if there is any yet.
    pub(crate) fn pick(&self, number: usize) -> Option<Work> {
        let works = locked(&self.works);
        let place = number.checked_rem(works.len())?;
        works.get(place).cloned()
    }
}

/// The lock, also after a panic elsewhere.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
