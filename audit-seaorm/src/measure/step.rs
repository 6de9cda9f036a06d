/// What auditing adds to a write.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// The transaction, or the savepoint, in which change and entry are one.
    Begin,
    /// Records as they were or became, where the statement that changes them does not tell.
    Image,
    /// The entry.
    Entry,
}

impl Step {
    #[cfg(feature = "metrics")]
    const fn name(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Image => "image",
            Self::Entry => "entry",
        }
    }
}

/// Does it, and tells how long it took.
#[cfg(feature = "metrics")]
pub(crate) async fn added<F: Future>(step: Step, work: F) -> F::Output {
    let begun = std::time::Instant::now();
    let output = work.await;
    let took = begun.elapsed().as_secs_f64();
    metrics::histogram!(super::names::ADDED, "step" => step.name()).record(took);
    output
}

/// Does it. Nobody measures.
#[cfg(not(feature = "metrics"))]
pub(crate) fn added<F: Future>(_step: Step, work: F) -> F {
    work
}
