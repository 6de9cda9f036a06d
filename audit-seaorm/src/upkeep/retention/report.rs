/// What [`Prune::exec`](crate::Prune::exec) did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// How many entries were deleted one by one.
    pub deleted: u64,
    /// In how many transactions.
    pub chunks: u64,
    /// The partitions that were dropped as a whole, whose entries are not counted.
    pub partitions: Vec<String>,
}
