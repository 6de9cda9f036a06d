use std::fmt;

/// What a baseline has done, at its end or so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BaselineReport {
    /// The audited table, `schema.table` where the entity names a schema.
    pub table: String,
    /// How many rows were written into the trail.
    pub written: u64,
    /// How many rows were passed over: the trail knew them already, or they went away meanwhile.
    pub known: u64,
    /// How many chunks it took.
    pub chunks: u64,
    /// How many of the rows written were encoded here rather than in the database.
    pub encoded_here: u64,
}

/// `post: 12 rows written, 3 known already, in 1 chunk`
impl fmt::Display for BaselineReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, written, known, chunks, .. } = self;
        let plural = if *chunks == 1 { "" } else { "s" };
        write!(
            f,
            "{table}: {written} rows written, {known} known already, in {chunks} chunk{plural}"
        )
    }
}
